// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {PoolTypes} from "./PoolTypes.sol";

/// @title The insurance pool: sells policies, takes deposits, pays verified claims in batches.
/// @notice Amounts are micro-USDC (1e-6 USDC), times are Unix seconds, days are UTC.
/// @dev Money leaves by `settleBatch` alone. There is no withdrawal in this version: a limited,
/// timelocked one comes with fund management. No function takes ether.
contract LeverageGuardPool is PoolTypes, AccessControl, EIP712, ReentrancyGuardTransient {
    using BitMaps for BitMaps.BitMap;
    using SafeERC20 for IERC20;

    bytes32 public constant PROPOSER_ROLE = keccak256("PROPOSER_ROLE");
    bytes32 public constant VERIFIER_ROLE = keccak256("VERIFIER_ROLE");
    bytes32 public constant QUOTER_ROLE = keccak256("QUOTER_ROLE");
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");
    bytes32 public constant TREASURER_ROLE = keccak256("TREASURER_ROLE");
    bytes32 public constant LISTER_ROLE = keccak256("LISTER_ROLE");

    bytes32 public constant BATCH_TYPEHASH = keccak256(
        "Batch(uint64 batchNo,bytes32 payoutsHash,uint256 total,uint64 deadline,bytes32 evidenceRoot)"
    );
    bytes32 public constant QUOTE_TYPEHASH = keccak256(
        "Quote(bytes32 quoteId,address buyer,uint256 premium,uint256 maxPayout,uint64 coverSeconds,uint64 deadline,bytes32 termsHash)"
    );

    /// @notice The modules that can be paused, one bit each.
    uint8 public constant SALES = 1;
    uint8 public constant PAYOUTS = 2;
    /// @notice Payouts a batch: keeps a batch of new recipients under 16,777,216 gas (EIP-7825).
    uint256 public constant MAX_PAYOUTS = 400;

    /// @notice The USDC contract the pool holds.
    IERC20 public immutable TOKEN;

    /// @notice The only batch number `settleBatch` accepts next; the first is 1.
    uint64 public nextBatch = 1;
    /// @notice The most one batch may total.
    uint64 public batchLimit;
    /// @notice The most one UTC day may pay.
    uint64 public dailyLimit;
    /// @notice Verifier signatures a batch needs, the submitter's own not counted.
    uint8 public threshold;
    uint8 private _pausedModules;
    uint32 private _spentDay;
    uint64 private _spentOnDay;
    /// @notice What payouts may not touch.
    uint128 public reserved;

    /// @notice Accounts that can neither buy a policy nor be paid.
    mapping(address account => bool) public isDenied;
    /// @notice Buyer and time of a sold policy; zeros for a quote nobody bought.
    mapping(bytes32 quoteId => Policy) public policyOf;
    BitMaps.BitMap private _settled;

    modifier whenRunning(uint8 module) {
        if (isPaused(module)) revert ModulePaused(module);
        _;
    }

    modifier notAfter(uint64 deadline) {
        if (block.timestamp > deadline) revert Expired(deadline);
        _;
    }

    /// @param token The USDC contract; must have code and six decimals.
    /// @param admin Holder of DEFAULT_ADMIN_ROLE: grants roles, sets limits and the threshold.
    /// @param batchLimit_ The most one batch may total.
    /// @param dailyLimit_ The most one UTC day may pay.
    /// @param threshold_ Verifier signatures a batch needs; at least one.
    constructor(IERC20 token, address admin, uint64 batchLimit_, uint64 dailyLimit_, uint8 threshold_)
        EIP712("LeverageGuardPool", "1")
    {
        if (admin == address(0)) revert ZeroAddress();
        if (address(token).code.length == 0) revert NotAContract(address(token));
        uint8 decimals = IERC20Metadata(address(token)).decimals();
        if (decimals != 6) revert NotSixDecimals(decimals);
        TOKEN = token;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _setLimits(batchLimit_, dailyLimit_);
        _setThreshold(threshold_);
    }

    /// @notice Buys the policy of a signed quote; the premium is taken by `transferFrom`.
    /// @param quote The terms; only `quote.buyer` can buy them, once, until `quote.deadline`.
    /// @param quoterSignature EIP-712 signature of the quote by a holder of QUOTER_ROLE.
    function buyPolicy(Quote calldata quote, bytes calldata quoterSignature)
        external
        nonReentrant
        whenRunning(SALES)
        notAfter(quote.deadline)
    {
        if (msg.sender != quote.buyer) revert NotTheBuyer(quote.buyer);
        if (isDenied[quote.buyer]) revert DeniedAccount(quote.buyer);
        if (quote.premium == 0 || quote.maxPayout == 0) revert ZeroAmount();
        if (policyOf[quote.quoteId].buyer != address(0)) revert AlreadyBought(quote.quoteId);
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(QUOTE_TYPEHASH, quote)));
        address signer = ECDSA.recoverCalldata(digest, quoterSignature);
        if (!hasRole(QUOTER_ROLE, signer)) revert NotAQuoter(signer);

        policyOf[quote.quoteId] = Policy(quote.buyer, uint64(block.timestamp));
        emit PolicyPurchased(
            quote.quoteId, quote.buyer, quote.premium, quote.maxPayout, quote.termsHash
        );
        _pull(quote.premium);
    }

    /// @notice Adds capital to the pool; anyone may, and nobody gains a claim on it.
    /// @param amount Taken from the caller by `transferFrom`.
    function deposit(uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        emit Deposited(msg.sender, amount);
        _pull(amount);
    }

    /// @notice Pays a batch of claims that enough verifiers signed. A payout the token or the deny
    /// list refuses is reported as `PayoutFailed`, stays payable later, and stops no other.
    /// @param batchNo Must equal `nextBatch`.
    /// @param total The sum of all amounts; bounded by both limits and the free balance.
    /// @param deadline Last second in which the batch may be settled.
    /// @param evidenceRoot Merkle root over the evidence packages of the claims.
    /// @param words claimIndex (32 bits) | amount (64) | recipient (160), claim indices ascending.
    /// @param signatures EIP-712 signatures of the batch, ascending by signer address.
    function settleBatch(
        uint64 batchNo,
        uint256 total,
        uint64 deadline,
        bytes32 evidenceRoot,
        uint256[] calldata words,
        bytes[] calldata signatures
    ) external nonReentrant onlyRole(PROPOSER_ROLE) whenRunning(PAYOUTS) notAfter(deadline) {
        if (batchNo != nextBatch) revert WrongBatch(nextBatch, batchNo);
        if (words.length == 0 || words.length > MAX_PAYOUTS) revert WrongBatchSize(words.length);
        bytes32 payoutsHash = keccak256(abi.encodePacked(words));
        bytes32 structHash = keccak256(
            abi.encode(BATCH_TYPEHASH, batchNo, payoutsHash, total, deadline, evidenceRoot)
        );
        _requireVerifiers(_hashTypedDataV4(structHash), signatures);

        nextBatch = batchNo + 1;
        _spend(total);
        _markSettled(words, total);
        (uint256 paid, uint256 failedCount) = _payAll(batchNo, words);
        // A refused payout gives its part of the day's limit back; re-entry is locked out above.
        _spentOnDay -= uint64(total - paid);
        emit BatchSettled(batchNo, payoutsHash, evidenceRoot, total, paid, failedCount);
    }

    /// @notice Sets the most a batch and a UTC day may pay.
    function setLimits(uint64 batchLimit_, uint64 dailyLimit_) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _setLimits(batchLimit_, dailyLimit_);
    }

    /// @notice Sets how many verifiers must sign a batch; at least one.
    function setThreshold(uint8 threshold_) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _setThreshold(threshold_);
    }

    /// @notice Sets aside money that payouts may not touch; may exceed the balance.
    function setReserved(uint128 amount) external onlyRole(TREASURER_ROLE) {
        reserved = amount;
        emit ReservedSet(amount);
    }

    /// @notice Stops or resumes one module.
    /// @param module SALES (1) or PAYOUTS (2).
    function setPaused(uint8 module, bool paused) external onlyRole(PAUSER_ROLE) {
        if (module != SALES && module != PAYOUTS) revert UnknownModule(module);
        _pausedModules = paused ? _pausedModules | module : _pausedModules & ~module;
        emit PausedSet(module, paused);
    }

    /// @notice Puts accounts on the deny list, or takes them off it.
    function setDenied(address[] calldata accounts, bool denied) external onlyRole(LISTER_ROLE) {
        for (uint256 i = 0; i < accounts.length; ++i) {
            isDenied[accounts[i]] = denied;
            emit DeniedSet(accounts[i], denied);
        }
    }

    /// @notice Whether a claim was paid; a refused payout is not.
    function isSettled(uint256 claimIndex) external view returns (bool) {
        return _settled.get(claimIndex);
    }

    /// @notice What today's payouts total so far.
    function spentToday() external view returns (uint256) {
        return _spentDay == _today() ? _spentOnDay : 0;
    }

    /// @notice Whether a module is stopped.
    function isPaused(uint8 module) public view returns (bool) {
        return _pausedModules & module != 0;
    }

    /// @notice What payouts can use: the balance less the reserved amount, never below zero.
    function freeBalance() public view returns (uint256) {
        uint256 balance = TOKEN.balanceOf(address(this));
        return balance > reserved ? balance - reserved : 0;
    }

    function _setLimits(uint64 batchLimit_, uint64 dailyLimit_) private {
        batchLimit = batchLimit_;
        dailyLimit = dailyLimit_;
        emit LimitsSet(batchLimit_, dailyLimit_);
    }

    function _setThreshold(uint8 threshold_) private {
        if (threshold_ == 0) revert ZeroThreshold();
        threshold = threshold_;
        emit ThresholdSet(threshold_);
    }

    function _today() private view returns (uint32) {
        return uint32(block.timestamp / 1 days);
    }

    /// @dev Takes exactly `amount` from the caller: a token that keeps a fee is refused.
    function _pull(uint256 amount) private {
        uint256 expected = TOKEN.balanceOf(address(this)) + amount;
        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
        _requireBalance(expected);
    }

    function _requireBalance(uint256 expected) private view {
        uint256 actual = TOKEN.balanceOf(address(this));
        if (actual != expected) revert BalanceMismatch(expected, actual);
    }

    /// @dev Ascending order makes every signer count once; whoever submits cannot approve.
    function _requireVerifiers(bytes32 digest, bytes[] calldata signatures) private view {
        address last;
        uint256 counted;
        for (uint256 i = 0; i < signatures.length; ++i) {
            address signer = ECDSA.recoverCalldata(digest, signatures[i]);
            if (!hasRole(VERIFIER_ROLE, signer)) revert NotAVerifier(signer);
            if (signer <= last) revert SignersNotAscending(signer);
            last = signer;
            if (signer != msg.sender) ++counted;
        }
        if (counted < threshold) revert TooFewSignatures(counted, threshold);
    }

    /// @dev Counts `total` against both limits and the free balance.
    function _spend(uint256 total) private {
        if (total > batchLimit) revert OverBatchLimit(total, batchLimit);
        uint32 today = _today();
        uint256 spent = total + (_spentDay == today ? _spentOnDay : 0);
        if (spent > dailyLimit) revert OverDailyLimit(spent, dailyLimit);
        uint256 free = freeBalance();
        if (total > free) revert NotEnoughFree(total, free);
        _spentDay = today;
        _spentOnDay = uint64(spent);
    }

    /// @dev Marks every claim as settled before any money moves; the amounts must sum to `total`.
    function _markSettled(uint256[] calldata words, uint256 total) private {
        uint256 sum;
        uint256 lowest; // the smallest claim index the next word may have
        for (uint256 i = 0; i < words.length; ++i) {
            (uint256 claimIndex, uint256 amount, address recipient) = _unpack(words[i]);
            if (claimIndex < lowest) revert ClaimsNotAscending(claimIndex);
            if (_settled.get(claimIndex)) revert AlreadySettled(claimIndex);
            if (amount == 0 || recipient == address(0) || recipient == address(this)) {
                revert BadPayout(claimIndex);
            }
            _settled.set(claimIndex);
            lowest = claimIndex + 1;
            sum += amount;
        }
        if (sum != total) revert WrongTotal(sum, total);
    }

    function _payAll(uint64 batchNo, uint256[] calldata words)
        private
        returns (uint256 paid, uint256 failedCount)
    {
        uint256 balance = TOKEN.balanceOf(address(this));
        for (uint256 i = 0; i < words.length; ++i) {
            (uint256 claimIndex, uint256 amount, address recipient) = _unpack(words[i]);
            if (_tryPay(claimIndex, amount, recipient)) {
                paid += amount;
                emit ClaimPaid(batchNo, claimIndex, recipient, amount);
            } else {
                ++failedCount;
                _settled.unset(claimIndex);
                emit PayoutFailed(batchNo, claimIndex, recipient, amount);
            }
        }
        _requireBalance(balance - paid);
    }

    /// @dev A call gets 63/64 of the gas, so a transfer that ran dry leaves little behind. Without
    /// this check a submitter could pass off a lack of gas as a refusal. A sixteenth still tells
    /// the two apart when the token is a proxy a few calls deep.
    function _tryPay(uint256 claimIndex, uint256 amount, address recipient) private returns (bool isPaid) {
        if (isDenied[recipient]) return false;
        uint256 gasBefore = gasleft();
        isPaid = TOKEN.trySafeTransfer(recipient, amount);
        if (!isPaid && gasleft() < gasBefore / 16) revert TooLittleGas(claimIndex);
    }

    function _unpack(uint256 word)
        private
        pure
        returns (uint256 claimIndex, uint256 amount, address recipient)
    {
        return (word >> 224, uint64(word >> 160), address(uint160(word)));
    }
}
