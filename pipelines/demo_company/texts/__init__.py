"""The texts of the demo company: phrases by language (YAML) and the grammar that puts them together."""
