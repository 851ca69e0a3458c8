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

/// @dev Calls the pool back while it pays, and keeps what the pool answered.
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

/// @dev Keeps one percent of everything that is moved by allowance.
contract FeeToken is SixDecimals {
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
