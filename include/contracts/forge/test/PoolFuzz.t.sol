// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {VM, deployed} from "../src/Cheats.sol";
import {PoolWorld} from "../src/PoolWorld.sol";
import {PoolTypes} from "../../src/PoolTypes.sol";

/// @dev One batch at a time, with whatever arguments the fuzzer likes.
contract PoolFuzzTest is PoolWorld {
    uint256 private constant FUNDED = 10_000 * 1_000_000;

    function setUp() public {
        _makeWorld(deployed("TestUSDC", ""));
        token.mint(address(pool), FUNDED);
    }

    function testFuzz_settle_pays_each_word_its_amount(uint32[4] calldata amounts, uint8 size) external {
        (uint256[] memory words, uint256 total) = _words(amounts, size);
        _settle(_batch(total), words);
        for (uint256 k = 0; k < words.length; ++k) {
            require(token.balanceOf(_recipient(k)) == words[k] >> 160, "amount");
        }
        require(token.balanceOf(address(pool)) == FUNDED - total, "balance");
        require(pool.spentToday() == total && pool.owed() == 0, "counted");
    }

    function testFuzz_settle_refuses_every_other_total(uint32[4] calldata amounts, uint256 total) external {
        (uint256[] memory words, uint256 right) = _words(amounts, 3);
        VM.assume(total != right);
        PoolTypes.Batch memory batch = _batch(total);
        require(!_trySettle(batch, words, _signed(_batchDigest(batch, words))), "a wrong total");
    }

    /// @dev One bit of anything the verifiers signed, or of their signatures.
    function testFuzz_settle_refuses_one_flipped_bit(uint32[4] calldata amounts, uint256 bit) external {
        (uint256[] memory words, uint256 total) = _words(amounts, 3);
        PoolTypes.Batch memory batch = _batch(total);
        bytes[] memory signatures = _signed(_batchDigest(batch, words));
        bytes memory data = abi.encode(batch, words, signatures);
        // Offsets and lengths are no part of the message: other ones may mean the same.
        bytes memory flipped = bytes.concat(data);
        bit = bit % (data.length * 8);
        flipped[bit / 8] ^= bytes1(uint8(1 << bit % 8));
        (bool isReadable, bytes memory same) = address(this).call(
            abi.encodeCall(this.encodedAgain, (flipped))
        );
        VM.assume(!isReadable || keccak256(abi.decode(same, (bytes))) != keccak256(data));
        VM.prank(PROPOSER);
        (bool happened,) = address(pool).call(bytes.concat(pool.settleBatch.selector, flipped));
        require(!happened, "one bit off");
    }

    function encodedAgain(bytes calldata data) external pure returns (bytes memory) {
        (PoolTypes.Batch memory batch, uint256[] memory words, bytes[] memory signatures) =
            abi.decode(data, (PoolTypes.Batch, uint256[], bytes[]));
        return abi.encode(batch, words, signatures);
    }

    /// @dev Any word, signed: what is paid is its 64-bit amount to its recipient, or nothing.
    function testFuzz_settle_reads_any_word_as_its_three_fields(
        uint32 flags, uint64 amount, address to, uint8 bit
    ) external {
        amount = amount % (1_000 * USDC);
        if (bit % 4 == 0) flags = 0;
        if (bit % 4 == 1) flags = uint32(1) << bit % 32;
        uint256 word = uint256(flags) << 224 | _word(amount, to);
        uint256[] memory words = new uint256[](1);
        words[0] = word;
        PoolTypes.Batch memory batch = _batch(amount);
        bytes[] memory signatures = _signed(_batchDigest(batch, words));
        uint256 before = token.balanceOf(to);
        if (_trySettle(batch, words, signatures)) {
            bool isRefused = pool.refusedOf(1) != 0;
            require(flags == 0 || isRefused && flags == 1 << 31, "unused bits");
            require(token.balanceOf(to) - before == (isRefused ? 0 : amount), "paid");
            require(pool.owed() == (isRefused ? amount : 0), "owed");
        } else {
            require(token.balanceOf(to) == before, "moved");
        }
    }

    /// @dev Of four keys, one no verifier's, any three in any order: accepted just when the last
    /// two rules hold, verifiers alone and ascending.
    function testFuzz_settle_takes_only_ascending_verifiers(uint8[3] calldata picks, uint8 size) external {
        (uint256[] memory words, uint256 total) = _words([uint32(1), 2, 3, 4], 3);
        PoolTypes.Batch memory batch = _batch(total);
        bytes32 digest = _batchDigest(batch, words);
        bytes[] memory signatures = new bytes[](size % 4);
        bool isGood = signatures.length >= 2;
        for (uint256 k = 0; k < signatures.length; ++k) {
            uint256 pick = picks[k] % 4;
            signatures[k] = _sign(pick == 3 ? QUOTER_KEY : verifierKeys[pick], digest);
            if (pick == 3 || k > 0 && pick <= picks[k - 1] % 4) isGood = false;
        }
        require(_trySettle(batch, words, signatures) == isGood, "signatures");
    }

    /// @dev Any terms a quoter can sign: the share of the time left, and never more than was paid.
    function testFuzz_cancel_gives_the_unused_share_of_the_premium(
        uint128 premium, uint64 wait, uint64 cover, uint64 waited
    ) external {
        VM.assume(premium != 0);
        address buyer = _recipient(0);
        _buy(buyer, premium, wait, cover);
        VM.warp(VM.getBlockTimestamp() + waited);
        VM.prank(buyer);
        (bool happened,) = address(pool).call(abi.encodeCall(pool.cancelPolicy, (ROOT)));
        require(happened == (waited < wait), "just before cover starts");
        if (!happened) return;
        uint256 whole = uint256(wait) + cover;
        uint256 refund = token.balanceOf(buyer);
        require(refund <= premium, "more than was paid");
        require(refund * whole <= premium * (whole - waited), "rounded up");
        require((refund + 1) * whole > premium * (whole - waited), "a unit short");
        require(token.balanceOf(address(pool)) == FUNDED + premium - refund, "balance");
    }

    function _buy(address buyer, uint256 premium, uint64 wait, uint64 cover) private {
        PoolTypes.Quote memory quote = PoolTypes.Quote({
            quoteId: ROOT,
            buyer: buyer,
            premium: premium,
            maxPayout: 1,
            coverSeconds: cover,
            waitSeconds: wait,
            deadline: type(uint64).max,
            termsHash: ROOT
        });
        token.mint(buyer, premium);
        VM.prank(buyer);
        token.approve(address(pool), premium);
        VM.prank(buyer);
        pool.buyPolicy(quote, _sign(QUOTER_KEY, _quoteDigest(quote)));
    }

    function _words(uint32[4] memory amounts, uint256 size)
        private
        pure
        returns (uint256[] memory words, uint256 total)
    {
        words = new uint256[](1 + size % 4);
        for (uint256 k = 0; k < words.length; ++k) {
            uint256 amount = uint256(amounts[k]) % (1_000 * USDC) + 1;
            words[k] = _word(amount, _recipient(k));
            total += amount;
        }
    }

    function _settle(PoolTypes.Batch memory batch, uint256[] memory words) private {
        bytes[] memory signatures = _signed(_batchDigest(batch, words));
        VM.prank(PROPOSER);
        pool.settleBatch(batch, words, signatures);
    }

    function _trySettle(
        PoolTypes.Batch memory batch,
        uint256[] memory words,
        bytes[] memory signatures
    ) private returns (bool happened) {
        bytes memory data = abi.encodeCall(pool.settleBatch, (batch, words, signatures));
        VM.prank(PROPOSER);
        (happened,) = address(pool).call(data);
    }
}

/// @dev A transfer that takes three million gas, in one step.
contract HungryToken {
    mapping(address account => uint256) public balanceOf;

    function decimals() external pure returns (uint8) {
        return 6;
    }

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        assembly {
            mstore(0x130000, 1) // 38,913 words of memory
        }
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
        return true;
    }
}

/// @dev The submitter chooses the gas: too little may stop a batch, but never a payout of it.
contract PoolGasFuzzTest is PoolWorld {
    function setUp() public {
        _makeWorld(address(new HungryToken()));
        token.mint(address(pool), 100 * USDC);
    }

    function testFuzz_settle_never_refuses_for_lack_of_gas(uint32 gasGiven, uint8 size) external {
        uint256[] memory words = new uint256[](1 + size % 2);
        for (uint256 k = 0; k < words.length; ++k) words[k] = _word(1, _recipient(k));
        PoolTypes.Batch memory batch = _batch(words.length);
        bytes[] memory signatures = _signed(_batchDigest(batch, words));
        uint256 enough = 3_400_000 * words.length + 500_000;
        VM.prank(PROPOSER);
        (bool happened,) = address(pool).call{gas: gasGiven % (2 * enough)}(
            abi.encodeCall(pool.settleBatch, (batch, words, signatures))
        );
        require(!happened || pool.owed() == 0, "a refusal for lack of gas");
        require(happened || gasGiven % (2 * enough) < enough, "enough gas");
    }
}
