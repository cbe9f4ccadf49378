"""What takes longer than a test may: each module measures one thing and returns its figures."""
