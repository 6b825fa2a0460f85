"""The environment's bot. Nothing of its library is imported here: `talk` does, once the service is ready."""
