// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title The pool's owner: whatever its proposers want done waits in the open for a delay first.
/// @notice Holds DEFAULT_ADMIN_ROLE of the pool and has no admin of its own beside itself.
contract PoolTimelock is TimelockController {
    /// @notice The shortest delay a pool's owner may start with.
    uint256 public constant SHORTEST_DELAY = 1 days;

    error DelayTooShort(uint256 delay, uint256 shortest);

    /// @param delay Seconds between proposing a call and making it.
    /// @param proposers Who may propose and cancel calls: a multi-signature wallet in earnest.
    /// @param executors Who may make a call whose delay is over.
    constructor(uint256 delay, address[] memory proposers, address[] memory executors)
        TimelockController(delay, proposers, executors, address(0))
    {
        if (delay < SHORTEST_DELAY) revert DelayTooShort(delay, SHORTEST_DELAY);
    }
}
