import { Readable } from 'node:stream';
import type { ServiceContext } from '../aws/service-context.js';
import { ArchiveError, InvalidOptionError, MediaError } from '../errors.js';
import type { Ack } from '../put/ack.js';
import { readTrouble } from '../wording/system-trouble.js';
import { ensureStream } from './ensure-stream.js';
import { encodeHeader, encodeTags } from './feed-fragment.js';
import { type FeedOptions, type ResolvedFeedOptions, resolveFeedOptions } from './feed-options.js';
import { sendAll } from './feed-sender.js';
import { openFile, openPipe } from './feed-source.js';
import { type FeedSummary, FeedTally } from './feed-tally.js';
import { makeFragments } from './fragment-maker.js';
import { UnstoredFragments } from './unstored-fragments.js';

/** The acknowledgements of a feed. Leaving the loop early ends the feed at once. */
export interface FeedStream extends AsyncGenerator<Ack, void, undefined> {
	/** What the feed came to. Resolves when it has ended, also with an error; never rejects. */
	readonly summary: Promise<FeedSummary>;
}

/** What {@link feed} is made with. */
export interface FeedContext extends Pick<ServiceContext, 'client' | 'clock'> {
	/** From 0 to 1. */
	readonly random: () => number;
}

/** A camera made of a file, by its path, or of Matroska as it comes. See `KvsArchive.feed`. */
export function feed(
	media: string | AsyncIterable<Uint8Array>,
	options: FeedOptions,
	context: FeedContext,
): FeedStream {
	const resolved = resolveFeedOptions(options, typeof media === 'string');
	if (resolved.createdRetentionHours !== null && context.client.stream.startsWith('arn:')) {
		throw new InvalidOptionError('create', 'left out where the stream is named by its ARN', true);
	}
	const tally = new FeedTally();
	let end = (): void => {};
	const summary = new Promise<FeedSummary>((resolve) => {
		end = () => resolve(tally.summary());
	});
	const run = async function* (): AsyncGenerator<Ack, void, undefined> {
		try {
			yield* runFeed(media, resolved, options.signal, context, tally);
		} catch (error) {
			throw explain(error, media);
		} finally {
			end();
		}
	};
	return Object.assign(run(), { summary });
}

async function* runFeed(
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
		const { createdRetentionHours, onAway } = options;
		const { isPersistent } = await ensureStream({ client, clock, createdRetentionHours, onAway, signal });
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
		yield* sendAll({ client, clock, random, header, unstored, isPersistent, tally, onAway, signal });
	} finally {
		leaving.abort();
		await making;
		await source.close();
		if (media instanceof Readable) media.destroy();
	}
}

/** Names the media in what is wrong with it. */
function explain(error: unknown, media: string | AsyncIterable<Uint8Array>): unknown {
	const name = typeof media === 'string' ? `\`${media}\`` : 'the media';
	if (error instanceof MediaError) {
		const { code, message, offset } = error;
		return new MediaError(code, `cannot feed ${name}: ${message}`, { offset, cause: error });
	}
	const { syscall } = error as NodeJS.ErrnoException;
	if (typeof media !== 'string' || !['open', 'read', 'stat', 'fstat'].includes(syscall ?? '')) return error;
	return new ArchiveError('KVS_FILE_UNREADABLE', `cannot read ${name}: ${readTrouble(error)}`, {
		cause: error,
	});
}
