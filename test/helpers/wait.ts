import { setImmediate } from 'node:timers/promises';

/** How long anything is waited for, in milliseconds: far longer than it takes on a busy machine, and shorter than ava waits. */
const LIMIT_MS = 90_000;

/** Waits until a condition holds, turn by turn of the event loop. Past the limit it throws what `state` says. */
export async function until(condition: () => boolean | Promise<boolean>, state: () => string): Promise<void> {
	const endMs = performance.now() + LIMIT_MS;
	while (!(await condition())) {
		if (performance.now() > endMs) throw new Error(`waited ${LIMIT_MS} ms: ${state()}`);
		await setImmediate();
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
