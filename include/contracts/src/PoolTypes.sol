// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What the pool says (events) and why it refuses (errors).
/// @notice Amounts are micro-USDC (1e-6 USDC), times are Unix seconds.
interface PoolTypes {
    /// @notice The terms a quoter signed. `termsHash` freezes everything that is not listed here.
    struct Quote {
        bytes32 quoteId;
        address buyer;
        uint256 premium;
        uint256 maxPayout;
        uint64 coverSeconds;
        uint64 deadline;
        bytes32 termsHash;
    }

    /// @notice A sold policy; its other terms are in the `PolicyPurchased` event.
    struct Policy {
        address buyer;
        uint64 boughtAt;
    }

    event PolicyPurchased(
        bytes32 indexed quoteId,
        address indexed buyer,
        uint256 premium,
        uint256 maxPayout,
        bytes32 termsHash
    );
    event Deposited(address indexed from, uint256 amount);
    event BatchSettled(
        uint64 indexed batchNo,
        bytes32 indexed payoutsHash,
        bytes32 evidenceRoot,
        uint256 total,
        uint256 paid,
        uint256 failedCount
    );
    event ClaimPaid(
        uint64 indexed batchNo,
        uint256 indexed claimIndex,
        address indexed recipient,
        uint256 amount
    );
    event PayoutFailed(
        uint64 indexed batchNo,
        uint256 indexed claimIndex,
        address indexed recipient,
        uint256 amount
    );
    event LimitsSet(uint64 batchLimit, uint64 dailyLimit);
    event ThresholdSet(uint8 threshold);
    event ReservedSet(uint128 reserved);
    event PausedSet(uint8 indexed module, bool paused);
    event DeniedSet(address indexed account, bool denied);

    error ZeroAddress();
    error ZeroAmount();
    error ZeroThreshold();
    error NotAContract(address token);
    error NotSixDecimals(uint8 decimals);
    error UnknownModule(uint8 module);
    error ModulePaused(uint8 module);
    error Expired(uint64 deadline);
    error DeniedAccount(address account);
    /// @notice The token moved another amount than it was asked to.
    error BalanceMismatch(uint256 expected, uint256 actual);

    error NotTheBuyer(address buyer);
    error AlreadyBought(bytes32 quoteId);
    error NotAQuoter(address signer);

    error WrongBatch(uint64 expected, uint64 given);
    error WrongBatchSize(uint256 payouts);
    error NotAVerifier(address signer);
    error SignersNotAscending(address signer);
    error TooFewSignatures(uint256 counted, uint256 needed);
    error OverBatchLimit(uint256 total, uint256 limit);
    error OverDailyLimit(uint256 spent, uint256 limit);
    error NotEnoughFree(uint256 total, uint256 free);
    error ClaimsNotAscending(uint256 claimIndex);
    error AlreadySettled(uint256 claimIndex);
    error BadPayout(uint256 claimIndex);
    error WrongTotal(uint256 sum, uint256 total);
    error TooLittleGas(uint256 claimIndex);
}
