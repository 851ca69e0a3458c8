// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PoolTypes} from "../../src/PoolTypes.sol";

/// @dev The pool as a caller sees it, so that its bytecode need not be compiled again.
interface IPool is PoolTypes {
    function settleBatch(Batch calldata batch, uint256[] calldata words, bytes[] calldata signatures)
        external;
    function rescuePayout(
        uint256 claimIndex, address recipient, uint64 deadline, bytes[] calldata signatures
    ) external;
    function buyPolicy(Quote calldata quote, bytes calldata quoterSignature) external;
    function cancelPolicy(bytes32 quoteId) external;
    function deposit(uint256 amount) external;
    function requestWithdrawal(address to, uint64 amount) external returns (uint256);
    function executeWithdrawal(uint256 withdrawalId) external;
    function cancelWithdrawal(uint256 withdrawalId) external;
    function setLimits(uint64 batchLimit, uint64 dailyLimit) external;
    function setThreshold(uint8 threshold) external;
    function setWithdrawalTerms(uint64 dailyLimit, uint32 delay) external;
    function setReserved(uint64 amount) external;
    function setPaused(uint8 module, bool paused) external;
    function setDenied(address[] calldata accounts, uint64[] calldata until) external;
    function setAllowed(address[] calldata accounts, uint64[] calldata until) external;
    function grantRole(bytes32 role, address account) external;
    function revokeRole(bytes32 role, address account) external;

    function nextBatch() external view returns (uint64);
    function nextClaim() external view returns (uint64);
    function listVersion() external view returns (uint64);
    function batchLimit() external view returns (uint64);
    function dailyLimit() external view returns (uint64);
    function reserved() external view returns (uint64);
    function owed() external view returns (uint64);
    function refusedOf(uint256 claimIndex) external view returns (uint256);
    function isSettled(uint256 claimIndex) external view returns (bool);
    function isDenied(address account) external view returns (bool);
    function isAllowed(address account) external view returns (bool);
    function isPaused(uint8 module) external view returns (bool);
    function spentToday() external view returns (uint256);
    function withdrawnToday() external view returns (uint256);
    function withdrawalTerms() external view returns (uint64 dailyLimit, uint32 delay);
    function withdrawalOf(uint256 id) external view returns (address to, uint64 amount, uint32 readyAt);
    function freeBalance() external view returns (uint256);
}

/// @dev The test token.
interface IToken {
    function mint(address to, uint256 amount) external;
    function setDenied(address account, bool denied) external;
    function isDenied(address account) external view returns (bool);
    function approve(address spender, uint256 amount) external returns (bool);
    function transfer(address to, uint256 amount) external returns (bool);
    function balanceOf(address account) external view returns (uint256);
}
