import type { Clock } from 'kvs-archive';
import { SERVICE } from './costs.js';

/** A Redis that counts what it is asked. */
export class SimulatedRedis {
	readonly #clock: Clock;
	operations = 0;

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	/** So many commands, one after the other; a script is one. */
	async operation(count = 1): Promise<void> {
		this.operations += count;
		await this.#clock.sleep(SERVICE.redisMs * count);
	}
}
