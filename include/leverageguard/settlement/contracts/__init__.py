"""One class a contract, one method a call; with `settlement.chain` the only users of web3."""
