/** What a body may hold even where the budget is spent: it never waits with empty hands, so the first in line goes on. */
const ALWAYS_ALLOWED_BYTES = 256 * 1024;

/** One holder of bytes. */
export interface BudgetAccount {
	/** Bytes it holds now. */
	heldBytes: number;
}

/** Room that has to be waited for. */
export interface BudgetRoom {
	/** Resolves when there is room, or after `leave`. */
	readonly admitted: Promise<void>;
	/** Ends the waiting without room. */
	readonly leave: () => void;
}

interface Waiter {
	readonly account: BudgetAccount;
	readonly admit: () => void;
}

/**
 * Bounds what all bodies of a run hold in memory together. Bytes are counted when they arrive; a body above its share waits
 * before it reads any more.
 */
export class ByteBudget {
	readonly #maxBytes: number;
	#usedBytes = 0;
	#waiters: Waiter[] = [];

	constructor(maxBytes: number) {
		this.#maxBytes = maxBytes;
	}

	/** Counts bytes that have come for `account`. */
	take(account: BudgetAccount, bytes: number): void {
		account.heldBytes += bytes;
		this.#usedBytes += bytes;
	}

	/** Counts bytes that `account` does not hold any more. */
	give(account: BudgetAccount, bytes: number): void {
		account.heldBytes -= bytes;
		this.#usedBytes -= bytes;
		const waiters = this.#waiters;
		this.#waiters = [];
		for (const waiter of waiters) {
			if (this.#hasRoom(waiter.account)) waiter.admit();
			else this.#waiters.push(waiter);
		}
	}

	/** Null where `account` may read on at once, else what to wait for. */
	room(account: BudgetAccount): BudgetRoom | null {
		if (this.#hasRoom(account)) return null;
		let admit = (): void => {};
		const admitted = new Promise<void>((resolve) => {
			admit = resolve;
		});
		const waiter = { account, admit };
		this.#waiters.push(waiter);
		const leave = (): void => {
			this.#waiters = this.#waiters.filter((other) => other !== waiter);
			admit();
		};
		return { admitted, leave };
	}

	#hasRoom(account: BudgetAccount): boolean {
		return this.#usedBytes < this.#maxBytes || account.heldBytes < ALWAYS_ALLOWED_BYTES;
	}
}
