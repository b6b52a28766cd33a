"""What keeps a message back though it is due: the accounts it would leave by, and the volume of its journey."""
