"""What each canonical table must keep as a whole, the same where data is ingested and where it is served."""
