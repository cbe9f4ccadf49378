"""What each group of features adds to each model of the last ``dvc repro``, and what it costs."""
