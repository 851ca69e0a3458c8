"""One class a contract, one method a call; beside the connection the only users of web3."""
