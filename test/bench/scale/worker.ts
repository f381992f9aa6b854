import type { Clock } from 'kvs-archive';

/** One process: its processor does one thing after the other. */
export class SimulatedWorker {
	readonly #clock: Clock;
	#freeAtMs = 0;
	/** Milliseconds of processor time so far. */
	busyMs = 0;

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	/** Resolves when the processor has done that much, after what it was given before. */
	async compute(ms: number): Promise<void> {
		this.busyMs += ms;
		this.#freeAtMs = Math.max(this.#freeAtMs, this.#clock.now()) + ms;
		await this.#clock.sleep(this.#freeAtMs - this.#clock.now());
	}
}

/** Jobs in the order in which they come, each for whoever is free first. */
export class SimulatedQueue<Job> {
	readonly #jobs: Job[] = [];
	readonly #takers: ((job: Job) => void)[] = [];
	/** The most that ever waited. */
	longest = 0;

	add(job: Job): void {
		const taker = this.#takers.shift();
		if (taker !== undefined) taker(job);
		else this.longest = Math.max(this.longest, this.#jobs.push(job));
	}

	take(): Promise<Job> {
		const job = this.#jobs.shift();
		if (job !== undefined) return Promise.resolve(job);
		return new Promise((resolve) => {
			this.#takers.push(resolve);
		});
	}
}
