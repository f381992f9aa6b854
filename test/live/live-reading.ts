import type { ExecutionContext } from 'ava';
import type { KvsArchiveOptions, LiveFrom, MediaEvent, RunSummary } from 'kvs-archive';
import { startMs } from '../helpers/media/range.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { StandstillClock } from '../helpers/standstill-clock.js';
import { within } from '../helpers/wait.js';
import { FRAMES } from './live-service.js';

/** What was read of a live stream. */
export interface LiveReading {
	readonly events: readonly MediaEvent[];
	readonly summary: RunSummary;
}

/** Reads a live stream until an event of it is enough, with back-offs that take no time, and leaves it. */
export async function readLive(
	t: ExecutionContext,
	endpoint: string,
	from: LiveFrom,
	isEnough: (event: MediaEvent) => boolean,
	options: Partial<KvsArchiveOptions> = {},
): Promise<LiveReading> {
	const archive = openArchive(t, endpoint, { clock: new StandstillClock(startMs), ...options });
	const stream = archive.live({ from });
	t.teardown(() => stream.destroy());
	const events: MediaEvent[] = [];
	const reading = (async () => {
		for await (const event of stream) {
			events.push(event);
			if (isEnough(event)) break;
		}
	})();
	await within(reading, () => `after ${linesOf(events.slice(-5)).join('\n')}`);
	return { events, summary: await stream.summary };
}

/** Whether a fragment has ended, in whatever way. */
export function endsFragment(fragmentNumber: string): (event: MediaEvent) => boolean {
	return (event) => event.type === 'fragment-end' && event.fragmentNumber === fragmentNumber;
}

/** The documented lines of events. */
export function linesOf(events: readonly MediaEvent[]): string[] {
	return events.map((event) => JSON.stringify(event));
}

/** What happened, in a few words: `fragment 1`, `4 frames`, `end 1`. */
export function outlineOf(events: readonly MediaEvent[]): string[] {
	const outline: string[] = [];
	let frames = 0;
	const nameOf = (fragmentNumber: string | null): string =>
		fragmentNumber === null ? 'unnamed' : `${Number(fragmentNumber.slice(-10))}`;
	for (const event of events) {
		if (event.type === 'frame') {
			frames++;
			continue;
		}
		if (frames > 0) outline.push(`${frames} frames`);
		frames = 0;
		if (event.type === 'gap') outline.push(event.kind);
		else if (event.type === 'fragment') outline.push(`fragment ${nameOf(event.fragmentNumber)}`);
		else if (event.type === 'fragment-failure') {
			outline.push(`${event.name} ${nameOf(event.fragmentNumber)}${event.index === null ? '' : ', begun'}`);
		} else outline.push(`${event.complete ? 'end' : 'failed end'} ${nameOf(event.fragmentNumber)}`);
	}
	return outline;
}

/** The outline of a fragment that came whole. */
export const whole = (index: number): string[] => [`fragment ${index}`, `${FRAMES} frames`, `end ${index}`];
