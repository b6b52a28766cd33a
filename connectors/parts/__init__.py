"""What several connectors share, by idea. Pure, like the connectors themselves."""
