from tests.serving.stores import migrated_file

__all__ = ["migrated_file"]
