"""Tools of the wire level: what sends bytes to a target and reads its answers."""
