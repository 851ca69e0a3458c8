// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @dev Tokens the pool must survive. Each misbehaves in one way, when told to.
abstract contract SixDecimals is ERC20("Bad", "BAD") {
    function decimals() public pure virtual override returns (uint8) {
        return 6;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @dev Calls the pool back while it moves money, and keeps what the pool answered.
contract ReentrantToken is SixDecimals {
    address public target;
    bytes public payload;
    bool public entered;
    bytes public answer;

    function arm(address target_, bytes calldata payload_) external {
        (target, payload) = (target_, payload_);
    }

    function approvePool(address pool) external {
        _approve(address(this), pool, type(uint256).max);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        (entered, answer) = target.call(payload);
        return super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        (entered, answer) = target.call(payload);
        return super.transferFrom(from, to, amount);
    }
}

/// @dev Says no without reverting.
contract FalseToken is SixDecimals {
    bool public silent = true;

    function setSilent(bool silent_) external {
        silent = silent_;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return silent ? false : super.transfer(to, amount);
    }
}

/// @dev Says no and moves the money all the same.
contract LyingToken is SixDecimals {
    function transfer(address to, uint256 amount) public override returns (bool) {
        super.transfer(to, amount);
        return false;
    }
}

/// @dev Takes one percent: of what is moved by allowance, and on top of what is sent.
contract FeeToken is SixDecimals {
    function transfer(address to, uint256 amount) public override returns (bool) {
        _burn(msg.sender, amount / 100);
        return super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        _burn(from, amount / 100);
        return super.transferFrom(from, to, amount - amount / 100);
    }
}

/// @dev A proxy whose transfer needs about a million gas two calls down.
contract HungryToken is SixDecimals {
    uint256 private _sink;

    function burnGas() external {
        uint256 start = gasleft();
        while (start - gasleft() < 1_000_000) _sink = uint256(keccak256(abi.encode(_sink)));
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        this.burnGas();
        return super.transfer(to, amount);
    }
}

/// @dev The bridged kind of dollar that would be off by a factor of a trillion.
contract EighteenDecimalsToken is SixDecimals {
    function decimals() public pure override returns (uint8) {
        return 18;
    }
}

/// @dev Answers each recipient in its own way; by default it pays and answers nothing at all.
contract OddToken {
    enum Answer {
        PaysSilently,
        ShortNoPay, // 31 zero bytes: what a sloppy reader takes for the answer that was there
        PaysTwo, // 32 bytes that are neither true nor false
        PaysLong, // true, and a kilobyte after it
        Bomb, // reverts with 100,000 bytes
        BurnsAll // every unit of gas it was given
    }

    mapping(address account => uint256) public balanceOf;
    mapping(address account => Answer) public answerTo;
    uint8 public constant decimals = 6;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function setAnswer(address to, Answer answer) external {
        answerTo[to] = answer;
    }

    function transfer(address to, uint256 amount) external {
        Answer answer = answerTo[to];
        if (answer == Answer.BurnsAll) assembly { invalid() }
        if (answer == Answer.Bomb) assembly { revert(0, 100000) }
        if (answer == Answer.ShortNoPay) assembly { return(0x60, 31) }
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
        if (answer == Answer.PaysSilently) return;
        assembly {
            switch answer
            case 2 {
                mstore(0, 2)
                return(0, 32)
            }
            default {
                mstore(0, 1)
                return(0, 1024)
            }
        }
    }
}
