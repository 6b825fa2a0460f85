"""Telegram: the bot of an environment."""
