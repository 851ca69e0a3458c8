// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {VM, deployed} from "./Cheats.sol";
import {PoolWorld} from "./PoolWorld.sol";
import {PoolTypes} from "../../src/PoolTypes.sol";

/// @dev Everybody who deals with the pool, the honest and the others. Each function is one call to
/// it with arguments made from the fuzzer's; what the pool refuses reverts and leaves no trace
/// here. What it accepts is counted in ghosts, from the arguments alone, and never read from it.
contract PoolHandler is PoolWorld {
    uint256 private constant RECIPIENTS = 6;
    uint64 private constant COVER = 1 days;

    // Money by its way in or out.
    uint256 public deposits;
    uint256 public premiums;
    uint256 public donated;
    uint256 public payouts;
    uint256 public rescues;
    uint256 public withdrawals;
    uint256 public refunds;
    // What was settled.
    uint256 public batches;
    uint256 public claims;
    uint256 public owedNow;
    mapping(uint256 claimIndex => uint256) public timesPaid;
    mapping(address recipient => uint256) public received;
    mapping(uint256 day => uint256) public paidOn;
    mapping(uint256 day => uint256) public withdrawnOn;
    // What must never happen, by how often it did.
    uint256 public paidTwice;
    uint256 public forgeries;
    uint256 public intrusions;
    uint256 public overspent;
    uint256 public overBatchLimit;
    uint256 public overDailyLimit;
    uint256 public badWithdrawals;
    uint256 public paidWhilePaused;
    uint256 public soldTwice;
    uint256 public badRefunds;

    uint256 private _quotes;
    mapping(uint256 quoteNumber => Sold) private _sold;
    mapping(uint256 id => uint256) private _askedAt;
    uint256[] private _waiting;
    bytes private _lastBatch; // as the pool took it
    bytes private _lastRescue;

    struct Sold {
        uint256 times;
        uint256 premium;
        uint256 at;
        uint256 wait;
        bool isCancelled;
    }

    constructor() {
        _makeWorld(deployed("TestUSDC", ""));
        token.mint(address(pool), 10_000 * USDC);
        donated = 10_000 * USDC;
        _allow(_recipient(0), type(uint64).max);
    }

    function poolAddress() external view returns (address) {
        return address(pool);
    }

    function tokenAddress() external view returns (address) {
        return address(token);
    }

    function recipientBalances() external view returns (uint256 held, uint256 expected) {
        for (uint256 i = 0; i < RECIPIENTS; ++i) {
            held += token.balanceOf(_recipient(i));
            expected += received[_recipient(i)];
        }
    }

    // What the roles do.

    function settle(uint256 seed, uint256 size) external {
        (uint256[] memory words, uint256 total) = _words(seed, size);
        PoolTypes.Batch memory batch = _batch(total);
        _send(PROPOSER, batch, words, _signed(_batchDigest(batch, words)));
    }

    function rescue(uint256 seed, uint256 to) external {
        uint256 claimIndex = _refusedClaim(seed);
        uint256 amount = uint64(pool.refusedOf(claimIndex) >> 160);
        address recipient = _recipient(to % RECIPIENTS);
        uint64 deadline = uint64(VM.getBlockTimestamp() + 600);
        bytes[] memory signatures = _signed(_rescueDigest(claimIndex, recipient, amount, deadline));
        bool isPaused = pool.isPaused(2);
        VM.prank(RESCUER);
        pool.rescuePayout(claimIndex, recipient, deadline, signatures);
        _lastRescue = abi.encodeCall(
            pool.rescuePayout, (claimIndex, recipient, deadline, signatures)
        );
        if (isPaused) ++paidWhilePaused;
        rescues += amount;
        owedNow -= amount;
        _countPaid(claimIndex, recipient, amount);
        _countDay(amount);
        _checkCover();
    }

    function buy(uint256 number, uint256 premium, uint256 wait) external {
        number = number % (_quotes + 2);
        PoolTypes.Quote memory quote = PoolTypes.Quote({
            quoteId: bytes32(number),
            buyer: _recipient(number % RECIPIENTS),
            premium: premium % (20 * USDC),
            maxPayout: 50 * USDC,
            coverSeconds: COVER,
            waitSeconds: uint64(wait % 4 days),
            deadline: uint64(VM.getBlockTimestamp() + 600),
            termsHash: ROOT
        });
        bytes memory signature = _sign(QUOTER_KEY, _quoteDigest(quote));
        token.mint(quote.buyer, quote.premium);
        VM.prank(quote.buyer);
        token.approve(address(pool), quote.premium);
        VM.prank(quote.buyer);
        pool.buyPolicy(quote, signature);
        premiums += quote.premium;
        if (_sold[number].times > 0) ++soldTwice;
        _sold[number] = Sold(
            _sold[number].times + 1, quote.premium, VM.getBlockTimestamp(), quote.waitSeconds, false
        );
        ++_quotes;
    }

    /// @dev Now and then after a while, and so too late for some.
    function cancelPolicy(uint256 which, uint256 patience) external {
        if (patience % 4 == 0) VM.warp(VM.getBlockTimestamp() + patience % 1 days);
        (uint256 number, Sold storage sold) = _waitingPolicy(which);
        address buyer = _recipient(number % RECIPIENTS);
        uint256 endsAt = sold.at + sold.wait + COVER;
        uint256 refund = token.balanceOf(buyer);
        bool isPaused = pool.isPaused(2);
        bool isDenied = pool.isDenied(buyer);
        VM.prank(buyer);
        pool.cancelPolicy(bytes32(number));
        refund = token.balanceOf(buyer) - refund;
        if (isPaused) ++paidWhilePaused;
        bool isBad = sold.isCancelled || VM.getBlockTimestamp() >= sold.at + sold.wait || isDenied;
        uint256 share = sold.premium * (endsAt - VM.getBlockTimestamp()) / (sold.wait + COVER);
        if (isBad || refund != share || refund > sold.premium) ++badRefunds;
        sold.isCancelled = true;
        refunds += refund;
        received[buyer] += refund;
        _checkCover();
    }

    function deposit(uint256 amount) external {
        amount = amount % (500 * USDC);
        token.mint(address(this), amount);
        token.approve(address(pool), amount);
        pool.deposit(amount);
        deposits += amount;
    }

    function donate(uint256 amount) external {
        amount = amount % (100 * USDC);
        token.mint(address(pool), amount);
        donated += amount;
    }

    function requestWithdrawal(uint256 to, uint256 amount) external {
        VM.prank(TREASURER);
        uint256 id = pool.requestWithdrawal(
            _recipient(to % 3), uint64(amount % (2_500 * USDC)) + 1
        );
        _waiting.push(id);
        _askedAt[id] = VM.getBlockTimestamp();
    }

    function executeWithdrawal(uint256 which, uint256 patience) external {
        uint256 id = _waitingWithdrawal(which);
        (address to, uint64 amount,) = pool.withdrawalOf(id);
        if (patience % 3 != 0) VM.warp(VM.getBlockTimestamp() + patience % 3 days);
        bool isPaused = pool.isPaused(4);
        bool isAllowed = pool.isAllowed(to) && !pool.isDenied(to);
        VM.prank(TREASURER);
        pool.executeWithdrawal(id);
        if (isPaused) ++paidWhilePaused;
        if (!isAllowed || VM.getBlockTimestamp() < _askedAt[id] + DELAY) ++badWithdrawals;
        withdrawals += amount;
        received[to] += amount;
        uint256 today = VM.getBlockTimestamp() / 1 days;
        withdrawnOn[today] += amount;
        if (withdrawnOn[today] > WITHDRAWAL_LIMIT) ++overDailyLimit;
        _checkCover();
    }

    function cancelWithdrawal(uint256 which) external {
        uint256 id = _waitingWithdrawal(which);
        VM.prank(CANCELLER);
        pool.cancelWithdrawal(id);
    }

    /// @dev Now and then so much that hardly anything is free: then what is owed counts.
    function reserve(uint256 amount) external {
        uint256 most = amount % 3 == 0
            ? token.balanceOf(address(pool)) - owedNow - amount % (300 * USDC)
            : amount % (1_000 * USDC);
        VM.prank(RESERVER);
        pool.setReserved(uint64(most));
    }

    function pause(uint256 module, bool paused) external {
        VM.prank(PAUSER);
        // Mostly running, so that most sequences pay.
        pool.setPaused(uint8(1 << module % 3), paused && module % 5 == 0);
    }

    function deny(uint256 number, uint256 until) external {
        address[] memory accounts = new address[](1);
        uint64[] memory times = new uint64[](1);
        accounts[0] = _recipient(number % RECIPIENTS);
        times[0] = uint64(VM.getBlockTimestamp() + until % 2 days);
        VM.prank(LISTER);
        pool.setDenied(accounts, times);
    }

    function allow(uint256 number, uint256 until) external {
        _allow(_recipient(number % 3), VM.getBlockTimestamp() + until % 30 days);
    }

    function issuerDenies(uint256 number, bool denied) external {
        token.setDenied(_recipient(number % RECIPIENTS), denied && number % 2 == 0);
    }

    function limit(uint256 batchLimit, uint256 dailyLimit) external {
        pool.setLimits(
            uint64(batchLimit % BATCH_LIMIT) + 100 * USDC,
            uint64(dailyLimit % DAILY_LIMIT) + 2_000 * USDC
        );
    }

    function pass(uint256 time) external {
        VM.warp(VM.getBlockTimestamp() + time % 30 hours);
    }

    // What nobody may do.

    /// @dev Sends the last batch again, as it was signed, from the proposer himself.
    function replay() external {
        require(_lastBatch.length != 0);
        (PoolTypes.Batch memory batch, uint256[] memory words, bytes[] memory signatures) =
            abi.decode(_lastBatch, (PoolTypes.Batch, uint256[], bytes[]));
        _send(PROPOSER, batch, words, signatures);
        ++forgeries;
    }

    /// @dev Rescues the last rescued payout again, or one that too few signed for.
    function rescueForged(uint256 seed, uint256 how) external {
        bytes memory data = _lastRescue;
        address sender = RESCUER;
        if (how % 3 != 0) {
            uint256 claimIndex = _refusedClaim(seed);
            uint256 amount = uint64(pool.refusedOf(claimIndex) >> 160);
            uint64 deadline = uint64(VM.getBlockTimestamp() + 600);
            bytes32 digest = _rescueDigest(claimIndex, _recipient(0), amount, deadline);
            bytes[] memory signatures = _signed(digest);
            if (how % 3 == 1) signatures[1] = signatures[0];
            else sender = PROPOSER;
            data = abi.encodeCall(
                pool.rescuePayout, (claimIndex, _recipient(0), deadline, signatures)
            );
        }
        VM.prank(sender);
        (bool happened,) = address(pool).call(data);
        if (happened && data.length > 0) ++forgeries;
    }

    /// @dev A batch the verifiers did sign, wrong in one way.
    function settleWrong(uint256 seed, uint256 how) external {
        (uint256[] memory words, uint256 total) = _words(seed, seed % 4);
        PoolTypes.Batch memory batch = _batch(total);
        how = how % 6;
        if (how == 0) batch.firstClaim -= 1;
        if (how == 1) batch.firstClaim += 1;
        if (how == 2) batch.batchNo -= 1;
        if (how == 3) batch.listVersion += 1;
        if (how == 4) batch.deadline = uint64(VM.getBlockTimestamp() - 1);
        if (how == 5) batch.total += 1;
        _send(PROPOSER, batch, words, _signed(_batchDigest(batch, words)));
        ++forgeries;
    }

    /// @dev A good batch that too few signed, or not for these words, or the wrong one sends.
    function settleForged(uint256 seed, uint256 how) external {
        (uint256[] memory words, uint256 total) = _words(seed, seed % 4);
        PoolTypes.Batch memory batch = _batch(total);
        bytes[] memory signatures = _signed(_batchDigest(batch, words));
        how = how % 5;
        if (how == 0) signatures[1] = signatures[0];
        if (how == 1) signatures[0] = _sign(QUOTER_KEY, _batchDigest(batch, words));
        if (how == 2) words[0] ^= 1 << seed % 160; // another recipient
        if (how == 3) batch.evidenceRoot = bytes32(seed | 1 << 200);
        _send(how == 4 ? VM.addr(verifierKeys[2]) : PROPOSER, batch, words, signatures);
        ++forgeries;
    }

    /// @dev Somebody else cancels a policy.
    function cancelForeign(uint256 which, uint256 who) external {
        (uint256 number,) = _waitingPolicy(which);
        address caller = who % 2 == 0 ? TREASURER : _recipient((number + 1) % RECIPIENTS);
        VM.prank(caller);
        pool.cancelPolicy(bytes32(number));
        ++forgeries;
    }

    /// @dev Somebody without the role calls what needs one.
    function intrude(uint256 which, uint256 who) external {
        address[8] memory callers = [
            STRANGER, PROPOSER, TREASURER, LISTER, PAUSER, RESCUER, CANCELLER, RESERVER
        ];
        address caller = callers[who % 8];
        which = which % 11;
        if (which == 0 && caller != RESERVER) _call(caller, abi.encodeCall(pool.setReserved, (0)));
        if (which == 1 && caller != PAUSER) _call(caller, abi.encodeCall(pool.setPaused, (2, false)));
        if (which == 2) _call(caller, abi.encodeCall(pool.setLimits, (1, 1)));
        if (which == 3) _call(caller, abi.encodeCall(pool.setThreshold, (1)));
        if (which == 4) _call(caller, abi.encodeCall(pool.setWithdrawalTerms, (1, 2 days)));
        if (which == 5) {
            _call(caller, abi.encodeCall(pool.grantRole, (keccak256("PROPOSER_ROLE"), caller)));
        }
        address[] memory accounts = new address[](1);
        uint64[] memory until = new uint64[](1);
        accounts[0] = STRANGER;
        if (which == 6 && caller != LISTER) {
            _call(caller, abi.encodeCall(pool.setAllowed, (accounts, until)));
        }
        if (which == 7 && caller != LISTER) {
            _call(caller, abi.encodeCall(pool.setDenied, (accounts, until)));
        }
        if (which == 8 && caller != TREASURER) {
            _call(caller, abi.encodeCall(pool.requestWithdrawal, (_recipient(0), 1)));
        }
        if (which == 9 && caller != TREASURER) {
            _call(caller, abi.encodeCall(pool.executeWithdrawal, (_waiting.length)));
        }
        if (which == 10 && caller != CANCELLER) {
            _call(caller, abi.encodeCall(pool.cancelWithdrawal, (_waiting.length)));
        }
    }

    function _allow(address account, uint256 until) private {
        address[] memory accounts = new address[](1);
        uint64[] memory times = new uint64[](1);
        (accounts[0], times[0]) = (account, uint64(until));
        VM.prank(LISTER);
        pool.setAllowed(accounts, times);
    }

    function _call(address caller, bytes memory data) private {
        VM.prank(caller);
        (bool happened,) = address(pool).call(data);
        if (happened) ++intrusions;
    }

    /// @dev A withdrawal that was neither taken nor cancelled, else any.
    function _waitingWithdrawal(uint256 which) private view returns (uint256 id) {
        for (uint256 k = 0; k < _waiting.length; ++k) {
            id = _waiting[(which % _waiting.length + k) % _waiting.length];
            (, uint64 amount,) = pool.withdrawalOf(id);
            if (amount != 0) return id;
        }
    }

    /// @dev A policy that can still be cancelled, else any.
    function _waitingPolicy(uint256 which) private view returns (uint256 number, Sold storage sold) {
        for (uint256 k = 0; k < _quotes + 2; ++k) {
            number = (which % (_quotes + 2) + k) % (_quotes + 2);
            sold = _sold[number];
            if (!sold.isCancelled && VM.getBlockTimestamp() < sold.at + sold.wait) break;
        }
        sold = _sold[number];
    }

    /// @dev A claim whose payout waits for its rescue, else the next claim.
    function _refusedClaim(uint256 seed) private view returns (uint256 claimIndex) {
        for (uint256 k = 0; k < claims; ++k) {
            claimIndex = 1 + (seed % claims + k) % claims;
            if (pool.refusedOf(claimIndex) != 0) return claimIndex;
        }
        return claims + 1;
    }

    function _words(uint256 seed, uint256 size)
        private
        pure
        returns (uint256[] memory words, uint256 total)
    {
        words = new uint256[](1 + size % 4);
        for (uint256 k = 0; k < words.length; ++k) {
            uint256 random = uint256(keccak256(abi.encode(seed, k)));
            // Small and large ones, so that every limit is met.
            uint256 amount = 1 + (random >> 8) % (random % 3 == 0 ? 3_000 * USDC : 100 * USDC);
            words[k] = _word(amount, _recipient((random >> 80) % RECIPIENTS));
            if ((random >> 96) % 8 == 0) words[k] |= WITHHELD;
            total += amount;
        }
    }

    function _send(
        address sender,
        PoolTypes.Batch memory batch,
        uint256[] memory words,
        bytes[] memory signatures
    ) private {
        bool isPaused = pool.isPaused(2);
        VM.prank(sender);
        pool.settleBatch(batch, words, signatures);
        if (isPaused) ++paidWhilePaused;
        if (batch.total > pool.batchLimit()) ++overBatchLimit;
        _lastBatch = abi.encode(batch, words, signatures);
        ++batches;
        claims += words.length;
        uint256 paid;
        for (uint256 k = 0; k < words.length; ++k) {
            uint256 amount = uint64(words[k] >> 160);
            if (_isRefused(words[k])) {
                owedNow += amount;
            } else {
                _countPaid(batch.firstClaim + k, address(uint160(words[k])), amount);
                paid += amount;
            }
        }
        payouts += paid;
        _countDay(paid);
        _checkCover();
    }

    /// @dev By the rules: withheld, or on the issuer's list.
    function _isRefused(uint256 word) private view returns (bool) {
        return word & WITHHELD != 0 || token.isDenied(address(uint160(word)));
    }

    function _countPaid(uint256 claimIndex, address to, uint256 amount) private {
        if (++timesPaid[claimIndex] > 1) ++paidTwice;
        received[to] += amount;
    }

    function _countDay(uint256 amount) private {
        uint256 today = VM.getBlockTimestamp() / 1 days;
        paidOn[today] += amount;
        if (paidOn[today] > pool.dailyLimit()) ++overDailyLimit;
    }

    /// @dev After money left, what is reserved and owed must still be there.
    function _checkCover() private {
        if (token.balanceOf(address(pool)) < uint256(pool.reserved()) + owedNow) ++overspent;
    }
}
