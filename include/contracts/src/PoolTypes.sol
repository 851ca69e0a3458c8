// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What the pool says (events) and why it refuses (errors).
/// @notice Amounts are micro-USDC (1e-6 USDC), times are Unix seconds.
interface PoolTypes {
    /// @notice The terms a quoter signed. `termsHash` freezes everything that is not listed here.
    /// Cover starts `waitSeconds` after the purchase and lasts `coverSeconds`.
    struct Quote {
        bytes32 quoteId;
        address buyer;
        uint256 premium;
        uint256 maxPayout;
        uint64 coverSeconds;
        uint64 waitSeconds;
        uint64 deadline;
        bytes32 termsHash;
    }

    /// @notice A sold policy: what its refund rests on, as it was bought, in two slots. Its other
    /// terms are in the `PolicyPurchased` event. `cancelledAt` is 0 until its buyer cancels it.
    struct Policy {
        address buyer;
        uint48 boughtAt;
        uint48 cancelledAt;
        uint128 premium;
        uint64 waitSeconds;
        uint64 coverSeconds;
    }

    /// @notice What the verifiers sign of a batch, beside the hash of its payouts.
    struct Batch {
        uint64 batchNo;
        uint64 firstClaim;
        uint64 listVersion;
        uint64 deadline;
        uint256 total;
        bytes32 evidenceRoot;
    }

    /// @notice A withdrawal that waits: it can be taken from `readyAt` on, for a week.
    struct Withdrawal {
        address to;
        uint64 amount;
        uint32 readyAt;
    }

    /// @notice What every batch changes, in one slot.
    struct Counters {
        uint40 nextBatch;
        uint40 nextClaim;
        uint40 listVersion;
        uint8 threshold;
        uint8 pausedModules;
        uint32 spentDay;
        uint64 spentOnDay;
    }

    /// @notice What bounds a batch, in one slot.
    struct Limits {
        uint64 batchLimit;
        uint64 dailyLimit;
        uint64 reserved;
        uint64 owed;
    }

    /// @notice What bounds the withdrawals, and how many were ever asked for.
    struct WithdrawalTerms {
        uint64 dailyLimit;
        uint64 spentOnDay;
        uint32 spentDay;
        uint32 delay;
        uint32 count;
    }

    event PolicyPurchased(
        bytes32 indexed quoteId,
        address indexed buyer,
        uint256 premium,
        uint256 maxPayout,
        bytes32 termsHash
    );
    event PolicyCancelled(bytes32 indexed quoteId, address indexed buyer, uint256 refund);
    event Deposited(address indexed from, uint256 amount);
    /// @notice One batch, and each of its payments: claim `firstClaim + k` was paid unless bit `k`
    /// of `refused` (256 bits a word) is set. The token's own Transfer events from the pool in this
    /// transaction are the payments, in the order of the claims.
    event BatchSettled(
        uint64 indexed batchNo,
        uint64 indexed firstClaim,
        bytes32 payoutsHash,
        bytes32 evidenceRoot,
        uint256 count,
        uint256 total,
        uint256 paid,
        uint256[2] refused
    );
    event PayoutFailed(
        uint64 indexed batchNo,
        uint256 indexed claimIndex,
        address indexed recipient,
        uint256 amount,
        bool isWithheld
    );
    event PayoutRescued(uint256 indexed claimIndex, address indexed recipient, uint256 amount);
    event WithdrawalRequested(
        uint256 indexed withdrawalId, address indexed to, uint256 amount, uint256 readyAt
    );
    event WithdrawalCancelled(uint256 indexed withdrawalId, address indexed to, uint256 amount);
    event Withdrawn(uint256 indexed withdrawalId, address indexed to, uint256 amount);
    event LimitsSet(uint64 batchLimit, uint64 dailyLimit);
    event ThresholdSet(uint8 threshold);
    event WithdrawalTermsSet(uint64 dailyLimit, uint32 delay);
    event ReservedSet(uint64 reserved);
    event PausedSet(uint8 indexed module, bool paused);
    event DeniedSet(address indexed account, uint64 until);
    event AllowedSet(address indexed account, uint64 until);

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
    error NoSuchPolicy(bytes32 quoteId);
    error AlreadyCancelled(bytes32 quoteId);
    error CoverStarted(uint256 startedAt);

    error WrongBatch(uint64 expected, uint64 given);
    error WrongBatchSize(uint256 payouts);
    error NotAVerifier(address signer);
    error SignersNotAscending(address signer);
    error TooFewSignatures(uint256 counted, uint256 needed);
    error OverBatchLimit(uint256 total, uint256 limit);
    error OverDailyLimit(uint256 spent, uint256 limit);
    error NotEnoughFree(uint256 total, uint256 free);
    error WrongClaim(uint64 expected, uint64 given);
    /// @notice The deny list changed since the verifiers signed.
    error StaleList(uint64 expected, uint64 given);
    /// @notice A payout of nothing, to the pool itself or with unknown flags, in the batch that
    /// begins with this claim, or at this claim.
    error BadPayout(uint256 claimIndex);
    error WrongTotal(uint256 sum, uint256 total);
    error TooLittleGas(uint256 claimIndex);
    error NotRefused(uint256 claimIndex);
    error BadRecipient(address recipient);

    error WrongLength(uint256 accounts, uint256 times);
    error NotAllowed(address account);
    error NoSuchWithdrawal(uint256 withdrawalId);
    error TooEarly(uint64 readyAt);
    error OverWithdrawalLimit(uint256 total, uint256 limit);
    error DelayTooShort(uint32 delay, uint32 shortest);
}
