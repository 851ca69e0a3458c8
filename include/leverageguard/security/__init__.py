"""What an operator does for keys, personal data and the packages the stack is made of."""
