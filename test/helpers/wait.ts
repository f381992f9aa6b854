import { setImmediate, setTimeout as wait } from 'node:timers/promises';

/** How long anything is waited for, in milliseconds: far longer than it takes on a busy machine, and shorter than ava waits. */
const LIMIT_MS = 90_000;

/** Turns of the event loop in which a condition is looked at each time, and how long it is left alone between later looks. */
const BUSY_TURNS = 100;
const INTERVAL_MS = 5;

/** Waits until a condition holds. Past the limit it throws what `state` says. */
export async function until(condition: () => boolean | Promise<boolean>, state: () => string): Promise<void> {
	const endMs = performance.now() + LIMIT_MS;
	for (let turns = 0; !(await condition()); turns++) {
		if (performance.now() > endMs) throw new Error(`waited ${LIMIT_MS} ms: ${state()}`);
		// What is waited for is often another process, which needs the processor.
		await (turns < BUSY_TURNS ? setImmediate() : wait(INTERVAL_MS));
	}
}

/** The result of a promise. Past the limit it rejects with what `state` says. */
export async function within<T>(promise: Promise<T>, state: () => string): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Error(`waited ${LIMIT_MS} ms: ${state()}`)), LIMIT_MS);
	});
	try {
		return await Promise.race([promise, late]);
	} finally {
		clearTimeout(timer);
	}
}
