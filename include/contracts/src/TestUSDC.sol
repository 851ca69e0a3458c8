// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title A stand-in for USDC on local and test chains: six decimals, permits
/// (ERC-2612), and the issuer's deny list.
contract TestUSDC is ERC20Permit, Ownable {
    /// @notice Accounts that can neither send nor receive.
    mapping(address account => bool) public isDenied;

    event DeniedSet(address indexed account, bool denied);

    error DeniedAccount(address account);

    /// @notice The deployer owns the token.
    constructor() ERC20("Test USD Coin", "tUSDC") ERC20Permit("Test USD Coin") Ownable(msg.sender) {}

    /// @notice USDC's six decimals: one unit is a micro-USDC.
    function decimals() public pure override returns (uint8) {
        return 6;
    }

    /// @notice Creates `amount` micro-USDC for `to`; owner only.
    function mint(address to, uint256 amount) external onlyOwner {
        _mint(to, amount);
    }

    /// @notice Puts an account on the issuer's deny list or takes it off; owner only.
    function setDenied(address account, bool denied) external onlyOwner {
        isDenied[account] = denied;
        emit DeniedSet(account, denied);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (isDenied[from]) revert DeniedAccount(from);
        if (isDenied[to]) revert DeniedAccount(to);
        super._update(from, to, value);
    }
}
