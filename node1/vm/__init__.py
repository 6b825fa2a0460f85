"""A node as a virtual machine of qemu: neither root nor any capability is needed."""
