import type { Clock } from '../pace/clock.js';
import type { Permit } from '../pace/rate-limiter.js';
import type { PlaceRequest, WantedPlaces } from './quota-scripts.js';

/** What came of a request: the permit, and after how many milliseconds it may be used; or after how many to request again. */
export type PlaceReply =
	| { readonly permit: Permit; readonly waitMs: number }
	| {
			readonly permit: null;
			readonly waitMs: number;
			/** Takes back that it waits, where Redis has noted it. */
			readonly withdraw: () => void;
	  };

/** One who waits for places. */
interface Waiting {
	readonly wanted: readonly WantedPlaces[];
	readonly isUrgent: boolean;
	readonly grant: (permit: Permit) => void;
	readonly refuse: (error: unknown) => void;
}

/** What waits for the same kinds of places: urgent ones first, then first come, first served. Only the first is requested from Redis. */
export class WaitingQueue {
	readonly #waiterId: string;
	readonly #clock: Clock;
	readonly #request: (places: PlaceRequest) => Promise<PlaceReply>;
	readonly #entries: Waiting[] = [];
	#permitCount = 0;
	#isServing = false;
	/** Ends the wait until the next request. */
	#wake = new AbortController();

	/** @param request - sends the request of the first; rejects where it will never be granted */
	constructor(waiterId: string, clock: Clock, request: (places: PlaceRequest) => Promise<PlaceReply>) {
		this.#waiterId = waiterId;
		this.#clock = clock;
		this.#request = request;
	}

	/** Waits for a permit. `leave` gives the wait up, and the permit where it was given already. */
	enter(request: Pick<Waiting, 'wanted' | 'isUrgent'>): {
		readonly granted: Promise<Permit>;
		readonly leave: () => void;
	} {
		let grant = (_permit: Permit): void => {};
		let refuse = (_error: unknown): void => {};
		const granted = new Promise<Permit>((resolve, reject) => {
			grant = resolve;
			refuse = reject;
		});
		const entry: Waiting = { ...request, grant, refuse };
		const after = request.isUrgent ? this.#entries.findIndex(({ isUrgent }) => !isUrgent) : -1;
		this.#entries.splice(after === -1 ? this.#entries.length : after, 0, entry);
		if (this.#entries[0] === entry) this.wake();
		void this.#serve();
		const leave = (): void => {
			if (this.#remove(entry)) this.wake();
			else granted.then((permit) => permit.cancel()).catch(() => {});
		};
		return { granted, leave };
	}

	/** Sends the request of the first at once. */
	wake(): void {
		this.#wake.abort();
	}

	async #serve(): Promise<void> {
		if (this.#isServing) return;
		this.#isServing = true;
		let withdraw = (): void => {};
		let id = this.#newId();
		for (let [first] = this.#entries; first !== undefined; [first] = this.#entries) {
			this.#wake = new AbortController();
			const { signal } = this.#wake;
			try {
				const { wanted } = first;
				const reply = await this.#request({ id, waiterId: this.#waiterId, wanted });
				if (reply.permit === null) {
					({ withdraw } = reply);
					// Rejects only where it is ended.
					await this.#clock.sleep(reply.waitMs, { signal, isBackground: true }).catch(() => {});
					continue;
				}
				withdraw = () => {};
				// Who is given the permit need not be who it was requested for.
				id = this.#newId();
				await this.#handOver(reply.permit, wanted, reply.waitMs);
			} catch (error) {
				if (this.#remove(first)) first.refuse(error);
			}
		}
		this.#isServing = false;
		withdraw();
	}

	/** Gives a permit that may be used after a time to the one who is first then, if it is enough for it. */
	async #handOver(permit: Permit, granted: readonly WantedPlaces[], waitMs: number): Promise<void> {
		const dueMs = this.#clock.now() + waitMs;
		for (let leftMs = waitMs; leftMs > 0 && this.#entries.length > 0; leftMs = dueMs - this.#clock.now()) {
			this.#wake = new AbortController();
			const { signal } = this.#wake;
			await this.#clock.sleep(leftMs, { signal, isBackground: true }).catch(() => {});
		}
		const [first] = this.#entries;
		const isEnough = first?.wanted.every(({ count }, index) => count <= (granted[index]?.count ?? 0));
		if (first === undefined || !isEnough) {
			permit.cancel();
			return;
		}
		this.#remove(first);
		first.grant(permit);
	}

	#newId(): string {
		return `${this.#waiterId}:${this.#permitCount++}`;
	}

	#remove(entry: Waiting): boolean {
		const place = this.#entries.indexOf(entry);
		if (place !== -1) this.#entries.splice(place, 1);
		return place !== -1;
	}
}
