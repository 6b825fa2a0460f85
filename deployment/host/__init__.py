"""The half of the deployment that runs on the node: standard library alone, shipped as one zipapp."""
