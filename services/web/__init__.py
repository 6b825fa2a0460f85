"""The pages that a person opens in a browser. They are loaded with the first visit."""
