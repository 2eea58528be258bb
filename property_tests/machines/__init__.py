"""State machines: what is under test and its model take the same steps, and must show the same."""
