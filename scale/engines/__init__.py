"""What runs tasks: the protocol every engine keeps, the registry that finds them, and the engines themselves."""
