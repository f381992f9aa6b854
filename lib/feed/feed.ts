import { ArchiveError, InvalidOptionError, MediaError } from '../errors.js';
import type { Ack } from '../put/ack.js';
import { readTrouble } from '../wording/system-trouble.js';
import { type FeedOptions, resolveFeedOptions } from './feed-options.js';
import { type FeedSummary, FeedTally } from './feed-tally.js';
import type { FeedContext } from './run-feed.js';

/** The acknowledgements of a feed. Leaving the loop early ends the feed at once. */
export interface FeedStream extends AsyncGenerator<Ack, void, undefined> {
	/** What the feed came to. Resolves when it has ended, also with an error; never rejects. */
	readonly summary: Promise<FeedSummary>;
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
			const { runFeed } = await import('./run-feed.js');
			yield* runFeed(media, resolved, options.signal, context, tally);
		} catch (error) {
			throw explain(error, media);
		} finally {
			end();
		}
	};
	return Object.assign(run(), { summary });
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
