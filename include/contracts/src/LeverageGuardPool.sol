// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {PoolTypes} from "./PoolTypes.sol";

/// @title The insurance pool: sells policies, takes deposits, pays verified claims in batches.
/// @notice Amounts are micro-USDC (1e-6 USDC), times are Unix seconds, days are UTC.
/// @dev Claims are numbered 1, 2, 3 … and settled in that order: a batch names its first claim,
/// which must be `nextClaim`. One counter is therefore all it takes to settle each claim once.
/// Money leaves by `settleBatch`, `rescuePayout`, `cancelPolicy` and `executeWithdrawal` alone. No
/// function takes ether.
contract LeverageGuardPool is PoolTypes, AccessControl, EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    bytes32 public constant PROPOSER_ROLE = keccak256("PROPOSER_ROLE");
    bytes32 public constant VERIFIER_ROLE = keccak256("VERIFIER_ROLE");
    bytes32 public constant QUOTER_ROLE = keccak256("QUOTER_ROLE");
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");
    bytes32 public constant RESERVER_ROLE = keccak256("RESERVER_ROLE");
    bytes32 public constant TREASURER_ROLE = keccak256("TREASURER_ROLE");
    bytes32 public constant CANCELLER_ROLE = keccak256("CANCELLER_ROLE");
    bytes32 public constant RESCUER_ROLE = keccak256("RESCUER_ROLE");
    bytes32 public constant LISTER_ROLE = keccak256("LISTER_ROLE");

    bytes32 public constant BATCH_TYPEHASH = keccak256(
        "Batch(uint64 batchNo,uint64 firstClaim,uint64 listVersion,uint64 deadline,uint256 total,bytes32 evidenceRoot,bytes32 payoutsHash)"
    );
    bytes32 public constant RESCUE_TYPEHASH = keccak256(
        "Rescue(uint256 claimIndex,address recipient,uint256 amount,uint64 deadline)"
    );
    bytes32 public constant QUOTE_TYPEHASH = keccak256(
        "Quote(bytes32 quoteId,address buyer,uint256 premium,uint256 maxPayout,uint64 coverSeconds,uint64 waitSeconds,uint64 deadline,bytes32 termsHash)"
    );

    /// @notice The modules that can be paused, one bit each.
    uint8 public constant SALES = 1;
    uint8 public constant PAYOUTS = 2;
    uint8 public constant WITHDRAWALS = 4;
    /// @notice Payouts a batch: keeps a batch of new recipients under 16,777,216 gas (EIP-7825).
    uint256 public constant MAX_PAYOUTS = 400;
    /// @dev The flag of a payout that is not to be sent, above amount and recipient.
    uint256 private constant WITHHELD = 1 << 31;
    /// @dev A transfer that failed and left this much had 63 times as much: it did not run dry.
    uint256 private constant MIN_GAS_LEFT = 50_000;
    /// @notice The shortest time between asking for a withdrawal and taking it.
    uint32 public constant MIN_WITHDRAWAL_DELAY = 1 days;
    /// @notice How long a withdrawal can be taken once its delay is over.
    uint32 public constant WITHDRAWAL_WINDOW = 7 days;

    /// @notice The USDC contract the pool holds.
    IERC20 public immutable TOKEN;
    /// @dev The same as a plain number: a typed address is masked again before each transfer.
    uint256 private immutable _tokenWord;

    Counters private _counters;
    Limits private _limits;
    WithdrawalTerms private _withdrawals;
    /// @notice Until when an account can neither buy a policy nor be paid; 0: not denied.
    mapping(address account => uint64) public deniedUntil;
    /// @notice Until when an account may receive withdrawals; 0: not allowed.
    mapping(address account => uint64) public allowedUntil;
    /// @notice A sold policy, cancelled or not; zeros for a quote nobody bought.
    mapping(bytes32 quoteId => Policy) public policyOf;
    /// @notice A refused payout's word (amount and recipient) until it is rescued; 0: none.
    mapping(uint256 claimIndex => uint256 word) public refusedOf;
    /// @notice A withdrawal that was asked for and neither taken nor cancelled.
    mapping(uint256 withdrawalId => Withdrawal) public withdrawalOf;

    modifier whenRunning(uint8 module) {
        if (isPaused(module)) revert ModulePaused(module);
        _;
    }

    modifier notAfter(uint64 deadline) {
        if (block.timestamp > deadline) revert Expired(deadline);
        _;
    }

    /// @param token The USDC contract; must have code and six decimals.
    /// @param admin Holder of DEFAULT_ADMIN_ROLE: a timelock or a multi-signature wallet.
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
        _tokenWord = uint160(address(token));
        _counters.nextBatch = 1;
        _counters.nextClaim = 1;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _setLimits(batchLimit_, dailyLimit_);
        _setThreshold(threshold_);
        _setWithdrawalTerms(0, 2 days);
    }

    /// @notice Buys the policy of a signed quote; the premium is taken by `transferFrom`.
    /// @param quote The terms; only `quote.buyer` can buy them, once, until `quote.deadline`.
    /// @param quoterSignature EIP-712 signature of the quote by a holder of QUOTER_ROLE.
    function buyPolicy(Quote calldata quote, bytes calldata quoterSignature) external nonReentrant {
        _buy(quote, quoterSignature);
    }

    /// @notice Buys the policy of a signed quote, the premium allowed by an ERC-2612 permit.
    /// @dev A permit somebody else submitted first is spent, but its allowance stands: a failure
    /// of `permit` alone refuses nothing.
    /// @param permitDeadline The permit's own deadline; its value is `quote.premium`.
    function buyPolicyWithPermit(
        Quote calldata quote,
        bytes calldata quoterSignature,
        uint256 permitDeadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant {
        try IERC20Permit(address(TOKEN)).permit(
            msg.sender, address(this), quote.premium, permitDeadline, v, r, s
        ) {} catch {}
        _buy(quote, quoterSignature);
    }

    /// @notice Gives a policy up before its cover starts, for the part of the premium that the time
    /// from now to the end of its cover bears to the whole time since the purchase, rounded down.
    /// @dev Stopped with PAYOUTS: it is money to a customer, and whatever makes payouts unsafe
    /// (a wrong balance, a token that misbehaves) makes refunds unsafe too, while a stop of sales
    /// alone must not keep anybody's premium. The wait runs on meanwhile. No limit but the free
    /// balance: a refund needs nobody's signature, but nobody gets more than he himself paid. Its
    /// quote stays sold, so it can never be bought again.
    /// @param quoteId A policy that the caller bought and did not cancel yet.
    function cancelPolicy(bytes32 quoteId) external nonReentrant whenRunning(PAYOUTS) {
        Policy memory sold = policyOf[quoteId];
        if (sold.buyer == address(0)) revert NoSuchPolicy(quoteId);
        if (msg.sender != sold.buyer) revert NotTheBuyer(sold.buyer);
        if (sold.cancelledAt != 0) revert AlreadyCancelled(quoteId);
        if (isDenied(sold.buyer)) revert DeniedAccount(sold.buyer);
        uint256 startsAt = uint256(sold.boughtAt) + sold.waitSeconds;
        if (block.timestamp >= startsAt) revert CoverStarted(startsAt);
        uint256 endsAt = startsAt + sold.coverSeconds;
        uint256 refund = sold.premium * (endsAt - block.timestamp) / (endsAt - sold.boughtAt);

        policyOf[quoteId].cancelledAt = uint48(block.timestamp);
        emit PolicyCancelled(quoteId, sold.buyer, refund);
        _push(sold.buyer, refund);
    }

    /// @notice Adds capital to the pool; anyone may, and nobody gains a claim on it.
    /// @param amount Taken from the caller by `transferFrom`.
    function deposit(uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        emit Deposited(msg.sender, amount);
        _pull(amount);
    }

    /// @notice Pays a batch of claims that enough verifiers signed. A payout that is withheld, or
    /// that the token refuses, is reported as `PayoutFailed` and kept for `rescuePayout`; it stops
    /// no other.
    /// @dev The verifiers vouch that nobody to be paid was denied at `batch.listVersion`; any
    /// change of the deny list makes the batch stale. A look-up for each recipient would cost
    /// 2,100 gas a payout.
    /// @param batch Number, first claim and list version must be the next ones; `total` is the sum
    /// of all amounts, bounded by both limits and the free balance.
    /// @param words isWithheld (1 bit) | zeros (31) | amount (64) | recipient (160), one a claim,
    /// from `batch.firstClaim` on.
    /// @param signatures EIP-712 signatures of the batch, ascending by signer address.
    function settleBatch(
        Batch calldata batch,
        uint256[] calldata words,
        bytes[] calldata signatures
    ) external nonReentrant onlyRole(PROPOSER_ROLE) notAfter(batch.deadline) {
        Counters memory counters = _counters;
        if (counters.pausedModules & PAYOUTS != 0) revert ModulePaused(PAYOUTS);
        if (batch.batchNo != counters.nextBatch) {
            revert WrongBatch(counters.nextBatch, batch.batchNo);
        }
        if (batch.firstClaim != counters.nextClaim) {
            revert WrongClaim(counters.nextClaim, batch.firstClaim);
        }
        if (batch.listVersion != counters.listVersion) {
            revert StaleList(counters.listVersion, batch.listVersion);
        }
        if (words.length == 0 || words.length > MAX_PAYOUTS) revert WrongBatchSize(words.length);
        bytes32 payoutsHash = keccak256(abi.encodePacked(words));
        _requireVerifiers(_batchDigest(batch, payoutsHash), signatures, counters.threshold);

        uint256 balance = _requireFunds(batch.total);
        _countSpending(counters, batch.total);
        counters.nextBatch += 1;
        counters.nextClaim += uint40(words.length);
        _store(counters);
        (uint256 unpaid, uint256[2] memory refused) = _payAll(batch, words);
        if (unpaid != 0) _keep(unpaid, counters);
        uint256 paid = batch.total - unpaid;
        _requireBalance(balance - paid);
        emit BatchSettled(
            batch.batchNo,
            batch.firstClaim,
            payoutsHash,
            batch.evidenceRoot,
            words.length,
            batch.total,
            paid,
            refused
        );
    }

    /// @notice Pays a refused payout to a new address, or to the same one once it can receive.
    /// @dev Dual control: a rescuer submits what the verifiers signed.
    /// @param claimIndex A claim whose payout was refused and not rescued yet.
    /// @param recipient Who gets the whole amount.
    /// @param deadline Last second in which the rescue may happen.
    /// @param signatures EIP-712 signatures of the Rescue, ascending by signer address.
    function rescuePayout(
        uint256 claimIndex,
        address recipient,
        uint64 deadline,
        bytes[] calldata signatures
    ) external nonReentrant onlyRole(RESCUER_ROLE) whenRunning(PAYOUTS) notAfter(deadline) {
        uint256 amount = _amountOf(refusedOf[claimIndex]);
        if (amount == 0) revert NotRefused(claimIndex);
        if (recipient == address(0) || recipient == address(this)) revert BadRecipient(recipient);
        if (isDenied(recipient)) revert DeniedAccount(recipient);
        Counters memory counters = _counters;
        bytes32 structHash =
            keccak256(abi.encode(RESCUE_TYPEHASH, claimIndex, recipient, amount, deadline));
        _requireVerifiers(_hashTypedDataV4(structHash), signatures, counters.threshold);

        delete refusedOf[claimIndex];
        _limits.owed -= uint64(amount);
        _countSpending(counters, amount);
        _counters = counters;
        emit PayoutRescued(claimIndex, recipient, amount);
        _push(recipient, amount);
    }

    /// @notice Asks for a withdrawal; it can be taken after the delay and for a week.
    /// @param to An account on the allow list.
    /// @param amount What it shall receive.
    /// @return withdrawalId The number to take or cancel it by.
    function requestWithdrawal(address to, uint64 amount)
        external
        onlyRole(TREASURER_ROLE)
        whenRunning(WITHDRAWALS)
        returns (uint256 withdrawalId)
    {
        if (amount == 0) revert ZeroAmount();
        if (!isAllowed(to)) revert NotAllowed(to);
        withdrawalId = ++_withdrawals.count;
        uint32 readyAt = uint32(block.timestamp) + _withdrawals.delay;
        withdrawalOf[withdrawalId] = Withdrawal(to, amount, readyAt);
        emit WithdrawalRequested(withdrawalId, to, amount, readyAt);
    }

    /// @notice Takes a withdrawal whose delay is over, within the day's limit and the free balance.
    function executeWithdrawal(uint256 withdrawalId)
        external
        nonReentrant
        onlyRole(TREASURER_ROLE)
        whenRunning(WITHDRAWALS)
    {
        Withdrawal memory asked = _take(withdrawalId);
        if (block.timestamp < asked.readyAt) revert TooEarly(asked.readyAt);
        if (block.timestamp > uint256(asked.readyAt) + WITHDRAWAL_WINDOW) {
            revert Expired(uint64(asked.readyAt) + WITHDRAWAL_WINDOW);
        }
        if (!isAllowed(asked.to)) revert NotAllowed(asked.to);
        if (isDenied(asked.to)) revert DeniedAccount(asked.to);
        uint32 today = _today();
        uint256 spent =
            asked.amount + (_withdrawals.spentDay == today ? _withdrawals.spentOnDay : 0);
        if (spent > _withdrawals.dailyLimit) {
            revert OverWithdrawalLimit(spent, _withdrawals.dailyLimit);
        }
        _withdrawals.spentDay = today;
        _withdrawals.spentOnDay = uint64(spent);
        emit Withdrawn(withdrawalId, asked.to, asked.amount);
        _push(asked.to, asked.amount);
    }

    /// @notice Cancels a withdrawal that was asked for.
    function cancelWithdrawal(uint256 withdrawalId) external onlyRole(CANCELLER_ROLE) {
        Withdrawal memory asked = _take(withdrawalId);
        emit WithdrawalCancelled(withdrawalId, asked.to, asked.amount);
    }

    /// @notice Sets the most a batch and a UTC day may pay.
    function setLimits(uint64 batchLimit_, uint64 dailyLimit_) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _setLimits(batchLimit_, dailyLimit_);
    }

    /// @notice Sets how many verifiers must sign a batch; at least one.
    function setThreshold(uint8 threshold_) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _setThreshold(threshold_);
    }

    /// @notice Sets the most a UTC day may see withdrawn, and the delay of later requests.
    /// @param delay Seconds; at least MIN_WITHDRAWAL_DELAY.
    function setWithdrawalTerms(uint64 dailyLimit_, uint32 delay)
        external
        onlyRole(DEFAULT_ADMIN_ROLE)
    {
        _setWithdrawalTerms(dailyLimit_, delay);
    }

    /// @notice Sets aside money that nothing may touch; may exceed the balance.
    /// @dev Not the treasurer: who may withdraw must not free what withdrawals may not touch.
    function setReserved(uint64 amount) external onlyRole(RESERVER_ROLE) {
        _limits.reserved = amount;
        emit ReservedSet(amount);
    }

    /// @notice Stops or resumes one module.
    /// @param module SALES (1), PAYOUTS (2; rescues and refunds too) or WITHDRAWALS (4).
    function setPaused(uint8 module, bool paused) external onlyRole(PAUSER_ROLE) {
        if (module != SALES && module != PAYOUTS && module != WITHDRAWALS) {
            revert UnknownModule(module);
        }
        uint8 before = _counters.pausedModules;
        _counters.pausedModules = paused ? before | module : before & ~module;
        emit PausedSet(module, paused);
    }

    /// @notice Denies accounts until a time each (0 takes one off the list).
    /// @dev Every batch signed before is stale afterwards: its verifiers saw another list.
    function setDenied(address[] calldata accounts, uint64[] calldata until)
        external
        onlyRole(LISTER_ROLE)
    {
        if (accounts.length != until.length) revert WrongLength(accounts.length, until.length);
        _counters.listVersion += 1;
        for (uint256 i = 0; i < accounts.length; ++i) {
            deniedUntil[accounts[i]] = until[i];
            emit DeniedSet(accounts[i], until[i]);
        }
    }

    /// @notice Lets accounts receive withdrawals until a time each (0 takes one off the list).
    function setAllowed(address[] calldata accounts, uint64[] calldata until)
        external
        onlyRole(LISTER_ROLE)
    {
        if (accounts.length != until.length) revert WrongLength(accounts.length, until.length);
        for (uint256 i = 0; i < accounts.length; ++i) {
            allowedUntil[accounts[i]] = until[i];
            emit AllowedSet(accounts[i], until[i]);
        }
    }

    /// @notice The only batch number `settleBatch` accepts next; the first is 1.
    function nextBatch() external view returns (uint64) {
        return _counters.nextBatch;
    }

    /// @notice The only claim a batch may begin with next; the first is 1.
    function nextClaim() external view returns (uint64) {
        return _counters.nextClaim;
    }

    /// @notice How often the deny list was changed.
    function listVersion() external view returns (uint64) {
        return _counters.listVersion;
    }

    /// @notice Verifier signatures a batch needs, the submitter's own not counted.
    function threshold() external view returns (uint8) {
        return _counters.threshold;
    }

    /// @notice The most one batch may total.
    function batchLimit() external view returns (uint64) {
        return _limits.batchLimit;
    }

    /// @notice The most one UTC day may pay.
    function dailyLimit() external view returns (uint64) {
        return _limits.dailyLimit;
    }

    /// @notice What neither payouts nor withdrawals may touch.
    function reserved() external view returns (uint64) {
        return _limits.reserved;
    }

    /// @notice What refused payouts total that wait for their rescue.
    function owed() external view returns (uint64) {
        return _limits.owed;
    }

    /// @notice The withdrawals' daily limit and the delay a request waits, in seconds.
    function withdrawalTerms() external view returns (uint64 dailyLimit_, uint32 delay) {
        return (_withdrawals.dailyLimit, _withdrawals.delay);
    }

    /// @notice Whether a claim was paid; a refused payout is not until it is rescued.
    function isSettled(uint256 claimIndex) external view returns (bool) {
        return claimIndex != 0 && claimIndex < _counters.nextClaim && refusedOf[claimIndex] == 0;
    }

    /// @notice What today's payouts total so far.
    function spentToday() external view returns (uint256) {
        return _counters.spentDay == _today() ? _counters.spentOnDay : 0;
    }

    /// @notice What today's withdrawals total so far.
    function withdrawnToday() external view returns (uint256) {
        return _withdrawals.spentDay == _today() ? _withdrawals.spentOnDay : 0;
    }

    /// @notice Whether a module is stopped.
    function isPaused(uint8 module) public view returns (bool) {
        return _counters.pausedModules & module != 0;
    }

    /// @notice Whether an account can neither buy nor be paid now.
    function isDenied(address account) public view returns (bool) {
        return deniedUntil[account] > block.timestamp;
    }

    /// @notice Whether an account may receive withdrawals now.
    function isAllowed(address account) public view returns (bool) {
        return allowedUntil[account] > block.timestamp;
    }

    /// @notice The balance less what is reserved and owed, never below zero.
    function freeBalance() public view returns (uint256) {
        return _freeOf(TOKEN.balanceOf(address(this)));
    }

    function _buy(Quote calldata quote, bytes calldata quoterSignature)
        private
        whenRunning(SALES)
        notAfter(quote.deadline)
    {
        if (msg.sender != quote.buyer) revert NotTheBuyer(quote.buyer);
        if (isDenied(quote.buyer)) revert DeniedAccount(quote.buyer);
        if (quote.premium == 0 || quote.maxPayout == 0) revert ZeroAmount();
        if (policyOf[quote.quoteId].buyer != address(0)) revert AlreadyBought(quote.quoteId);
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(QUOTE_TYPEHASH, quote)));
        address signer = ECDSA.recoverCalldata(digest, quoterSignature);
        if (!hasRole(QUOTER_ROLE, signer)) revert NotAQuoter(signer);

        policyOf[quote.quoteId] = Policy({
            buyer: quote.buyer,
            boughtAt: uint48(block.timestamp),
            cancelledAt: 0,
            premium: quote.premium.toUint128(),
            waitSeconds: quote.waitSeconds,
            coverSeconds: quote.coverSeconds
        });
        emit PolicyPurchased(
            quote.quoteId, quote.buyer, quote.premium, quote.maxPayout, quote.termsHash
        );
        _pull(quote.premium);
    }

    function _setLimits(uint64 batchLimit_, uint64 dailyLimit_) private {
        _limits.batchLimit = batchLimit_;
        _limits.dailyLimit = dailyLimit_;
        emit LimitsSet(batchLimit_, dailyLimit_);
    }

    function _setThreshold(uint8 threshold_) private {
        if (threshold_ == 0) revert ZeroThreshold();
        _counters.threshold = threshold_;
        emit ThresholdSet(threshold_);
    }

    function _setWithdrawalTerms(uint64 dailyLimit_, uint32 delay) private {
        if (delay < MIN_WITHDRAWAL_DELAY) revert DelayTooShort(delay, MIN_WITHDRAWAL_DELAY);
        _withdrawals.dailyLimit = dailyLimit_;
        _withdrawals.delay = delay;
        emit WithdrawalTermsSet(dailyLimit_, delay);
    }

    function _today() private view returns (uint32) {
        return uint32(block.timestamp / 1 days);
    }

    function _amountOf(uint256 word) private pure returns (uint256) {
        return uint64(word >> 160);
    }

    /// @dev Takes exactly `amount` from the caller: a token that keeps a fee is refused.
    function _pull(uint256 amount) private {
        uint256 expected = TOKEN.balanceOf(address(this)) + amount;
        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
        _requireBalance(expected);
    }

    /// @dev Sends exactly `amount` of the free balance, or reverts.
    function _push(address to, uint256 amount) private {
        uint256 balance = _requireFree(amount);
        TOKEN.safeTransfer(to, amount);
        _requireBalance(balance - amount);
    }

    function _requireBalance(uint256 expected) private view {
        uint256 actual = TOKEN.balanceOf(address(this));
        if (actual != expected) revert BalanceMismatch(expected, actual);
    }

    function _freeOf(uint256 balance) private view returns (uint256) {
        uint256 bound = uint256(_limits.reserved) + _limits.owed;
        return balance > bound ? balance - bound : 0;
    }

    /// @dev The whole balance, if `amount` of it is free.
    function _requireFree(uint256 amount) private view returns (uint256 balance) {
        balance = TOKEN.balanceOf(address(this));
        uint256 free = _freeOf(balance);
        if (amount > free) revert NotEnoughFree(amount, free);
    }

    /// @dev The whole balance, if a batch of `total` is within its limit and the free part.
    function _requireFunds(uint256 total) private view returns (uint256) {
        if (total > _limits.batchLimit) revert OverBatchLimit(total, _limits.batchLimit);
        return _requireFree(total);
    }

    /// @dev Counts `amount` against the day's limit, in memory: the caller stores the counters.
    function _countSpending(Counters memory counters, uint256 amount) private view {
        uint32 today = _today();
        uint256 spent = amount + (counters.spentDay == today ? counters.spentOnDay : 0);
        if (spent > _limits.dailyLimit) revert OverDailyLimit(spent, _limits.dailyLimit);
        counters.spentDay = today;
        counters.spentOnDay = uint64(spent);
    }

    /// @dev The counters in one write, in the order of their struct; field by field the compiler
    /// writes the slot once for each.
    function _store(Counters memory c) private {
        uint256 slot = uint256(c.nextBatch) | uint256(c.nextClaim) << 40
            | uint256(c.listVersion) << 80 | uint256(c.threshold) << 120
            | uint256(c.pausedModules) << 128 | uint256(c.spentDay) << 136
            | uint256(c.spentOnDay) << 168;
        assembly ("memory-safe") {
            sstore(_counters.slot, slot)
        }
    }

    /// @dev A refused payout gives its part of the day's limit back and stays owed. Re-entry is
    /// locked out, so nothing changed the counters since they were stored.
    function _keep(uint256 unpaid, Counters memory counters) private {
        _counters.spentOnDay = counters.spentOnDay - uint64(unpaid);
        _limits.owed += uint64(unpaid);
    }

    function _take(uint256 withdrawalId) private returns (Withdrawal memory asked) {
        asked = withdrawalOf[withdrawalId];
        if (asked.amount == 0) revert NoSuchWithdrawal(withdrawalId);
        delete withdrawalOf[withdrawalId];
    }

    function _batchDigest(Batch calldata batch, bytes32 payoutsHash) private view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(BATCH_TYPEHASH, batch, payoutsHash)));
    }

    /// @dev Ascending order makes every signer count once; whoever submits cannot approve.
    function _requireVerifiers(bytes32 digest, bytes[] calldata signatures, uint256 needed)
        private
        view
    {
        address last;
        uint256 counted;
        for (uint256 i = 0; i < signatures.length; ++i) {
            address signer = ECDSA.recoverCalldata(digest, signatures[i]);
            if (!hasRole(VERIFIER_ROLE, signer)) revert NotAVerifier(signer);
            if (signer <= last) revert SignersNotAscending(signer);
            last = signer;
            if (signer != msg.sender) ++counted;
        }
        if (counted < needed) revert TooFewSignatures(counted, needed);
    }

    /// @dev Tries every payout; `refused` has a bit for each that was not paid, `unpaid` is their
    /// sum. That the amounts add up to the total is proved by the balance afterwards.
    function _payAll(Batch calldata batch, uint256[] calldata words)
        private
        returns (uint256 unpaid, uint256[2] memory refused)
    {
        uint256 k = _payFrom(batch, words, 0);
        while (k < words.length) {
            unpaid += _refuse(batch, k, words[k]);
            refused[k >> 8] |= 1 << (k & 255);
            k = _payFrom(batch, words, k + 1);
        }
        if (unpaid > batch.total) revert WrongTotal(unpaid, batch.total);
    }

    /// @dev Pays word after word from `k` on and gives the place of the first that was not paid.
    /// Whatever is done here is done four hundred times: the loop knows two numbers and a frame in
    /// low memory, whose reserved parts it puts back. A withheld word is no case of its own: its
    /// flag makes the amount larger than any balance, so the token refuses it.
    function _payFrom(Batch calldata batch, uint256[] calldata words, uint256 k)
        private
        returns (uint256)
    {
        if (k == words.length) return k;
        uint256 token = _tokenWord;
        uint256 isOdd; // whether a word pays nothing, or the pool itself
        assembly ("memory-safe") {
            let at := add(words.offset, shl(5, k))
            let end := add(words.offset, shl(5, words.length))
            let self := shl(96, address())
            let free := mload(0x40)
            mstore(0x00, shl(224, 0xa9059cbb)) // transfer(address,uint256)
            mstore(0x60, 1) // stays when a token that answers nothing has paid
            for {} 1 {} {
                let word := calldataload(at)
                let to := shl(96, word)
                let amount := shr(160, word)
                isOdd := or(isOdd, or(iszero(amount), eq(to, self)))
                mstore(0x10, to)
                mstore(0x24, amount)
                // The call is made first: arguments are evaluated from the right.
                if iszero(and(eq(mload(0x60), 1), call(gas(), token, 0, 0x00, 0x44, 0x60, 0x20))) {
                    break
                }
                at := add(at, 0x20)
                if eq(at, end) { break }
            }
            k := shr(5, sub(at, words.offset))
            mstore(0x40, free)
            mstore(0x60, 0)
        }
        if (isOdd != 0) revert BadPayout(batch.firstClaim);
        return k;
    }

    /// @dev Keeps a payout that is withheld or that the token did not make. A call gets 63/64 of
    /// the gas: one that ran dry and left MIN_GAS_LEFT had 63 times as much, more than a transfer
    /// can use. Without this check a submitter could pass off a lack of gas as a refusal.
    function _refuse(Batch calldata batch, uint256 k, uint256 word) private returns (uint256 amount) {
        uint256 claimIndex = batch.firstClaim + k;
        uint256 flags = word >> 224;
        amount = _amountOf(word);
        if (amount == 0 || flags & ~WITHHELD != 0) revert BadPayout(claimIndex);
        if (flags == 0 && gasleft() < MIN_GAS_LEFT) revert TooLittleGas(claimIndex);
        refusedOf[claimIndex] = word;
        emit PayoutFailed(
            batch.batchNo, claimIndex, address(uint160(word)), amount, flags == WITHHELD
        );
    }
}
