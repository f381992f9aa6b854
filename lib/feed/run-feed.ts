import { Readable } from 'node:stream';
import type { ServiceContext } from '../aws/service-context.js';
import type { Ack } from '../put/ack.js';
import { ensureStream } from './ensure-stream.js';
import { encodeHeader, encodeTags } from './feed-fragment.js';
import type { ResolvedFeedOptions } from './feed-options.js';
import { sendAll } from './feed-sender.js';
import { openFile, openPipe } from './feed-source.js';
import type { FeedTally } from './feed-tally.js';
import { makeFragments } from './fragment-maker.js';
import { UnstoredFragments } from './unstored-fragments.js';

/** What {@link runFeed} is made with. */
export interface FeedContext extends Pick<ServiceContext, 'client' | 'clock'> {
	/** From 0 to 1. */
	readonly random: () => number;
}

/** Feeds media into the stream, from opening it to the last acknowledgement; counts in `tally`. */
export async function* runFeed(
	media: string | AsyncIterable<Uint8Array>,
	options: ResolvedFeedOptions,
	outerSignal: AbortSignal | undefined,
	{ client, clock, random }: FeedContext,
	tally: FeedTally,
): AsyncGenerator<Ack, void, undefined> {
	const leaving = new AbortController();
	const signal = AbortSignal.any([leaving.signal, ...(outerSignal === undefined ? [] : [outerSignal])]);
	const source = typeof media === 'string' ? await openFile(media, signal) : await openPipe(media, signal);
	tally.omissions = source.omissions;
	const unstored = new UnstoredFragments();
	let making = Promise.resolve();
	try {
		const fragments = makeFragments({ source, options, trailer: encodeTags(options.tags), clock, signal });
		// What the service would not take is found before it is asked for anything.
		const first = await fragments.next();
		const { createdRetentionHours, onUnreachable } = options;
		const { isPersistent } = await ensureStream({
			client,
			clock,
			createdRetentionHours,
			onUnreachable,
			signal,
		});
		making = (async () => {
			for (let step = first; step.done !== true; step = await fragments.next()) {
				tally.made();
				await unstored.add(step.value, signal);
			}
		})().then(
			() => unstored.end(null),
			(error: Error) => unstored.end(error),
		);
		const header = encodeHeader(source.tracks);
		yield* sendAll({ client, clock, random, header, unstored, isPersistent, tally, onUnreachable, signal });
	} finally {
		leaving.abort();
		await making;
		await source.close();
		if (media instanceof Readable) media.destroy();
	}
}
