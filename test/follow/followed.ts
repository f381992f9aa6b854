import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { KvsArchive } from 'kvs-archive';
import type { FaultRule } from 'kvs-archive/server';
import { FileCheckpoints } from '#lib/follow/file-checkpoints.js';
import type { FollowOptions } from '#lib/follow/follow-options.js';
import type { FollowEvent, FollowStream } from '#lib/follow/follow-stream.js';
import { type GrowingStream, startGrowing } from '../helpers/service/growing-stream.js';
import { StandstillClock } from '../helpers/standstill-clock.js';
import { temporaryDirectory } from '../helpers/tools.js';

/** A stream that grows, and who follows it. */
export interface Followed extends GrowingStream {
	/** Follows it, at its own address or another one. */
	readonly follow: (options?: FollowOptions, endpoint?: string) => FollowStream;
	readonly checkpoint: () => FileCheckpoints;
	/** The clock of the followers. */
	readonly clock: StandstillClock;
	readonly checkpointFile: string;
}

/** The shortest wait of the followers that takes time, in milliseconds, and what time the server has. */
export interface FollowedOptions {
	readonly patienceMs?: number;
	readonly now?: () => number;
}

/** Starts one; followers begin with the oldest fragment, on a clock on which no wait that is shorter than `patienceMs` takes time. */
export async function startFollowed(
	t: ExecutionContext,
	via: FollowOptions['via'],
	faults: readonly FaultRule[] = [],
	{ patienceMs, ...options }: FollowedOptions = {},
): Promise<Followed> {
	const growing = await startGrowing(t, faults, options);
	const clock = new StandstillClock(Date.now(), patienceMs);
	const checkpointFile = join(await temporaryDirectory(t), 'follow', 'checkpoint.json');
	return {
		...growing,
		clock,
		checkpointFile,
		checkpoint: () => new FileCheckpoints(checkpointFile),
		follow: (options = {}, endpoint = growing.endpoint) => {
			const archive = new KvsArchive({ streamName: 'cam', endpoint, clock });
			t.teardown(() => archive.close());
			return archive.follow({ from: 'earliest', via, ...options });
		},
	};
}

/** Reads until `count` fragments have ended and it has caught up; returns their producer times, in seconds. */
export async function secondsOf(follow: FollowStream, count: number): Promise<number[]> {
	const seconds: number[] = [];
	for await (const event of follow as AsyncIterable<FollowEvent>) {
		if (event.type === 'fragment-end')
			seconds.push((event.producerTimestamp?.getTime() ?? Number.NaN) / 1000);
		if (event.type === 'caught-up' && seconds.length >= count) break;
	}
	return seconds;
}
