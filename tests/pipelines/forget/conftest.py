from tests.serving.stores import migrated_database, migrated_file, postgres

__all__ = ["migrated_database", "migrated_file", "postgres"]
