import { ArchiveError } from '../../errors.js';
import { FragmentVideoReader, MAX_FRAGMENT_MS } from '../images/fragment-video.js';
import type { MadeImage } from '../images/image-page.js';
import { type ImagesRequest, imageCount, readImagesRequest } from '../images/images-request.js';
import { playedFragments } from '../playback/sessions/playback-order.js';
import type { Snapshot } from '../store/fragment-index.js';
import type { LocalStream } from '../store/local-stream.js';
import type { StoredFragment } from '../store/stored-fragment.js';
import { NEXT_TOKEN } from '../wire/page-token.js';
import { invalidArgument, requireRetention } from '../wire/service-error.js';
import { EpochSeconds, wireJson } from '../wire/wire-json.js';
import type { JsonOperation } from './operation.js';
import { requestedStream } from './requested-stream.js';

const MAX_RESULTS = { min: 1, max: 100 };

/** A page has no more images, whatever is requested. */
const PAGE_SIZE = 25;

/** Metadata points of a call, besides one for each image that it requests. */
const CALL_POINTS = 400;

/** Which images are meant, and everything that identifies them; also the content of a token. */
type Images = ImagesRequest &
	Snapshot & {
		readonly stream: string;
		readonly creationMs: number;
		/** Images on the pages before. */
		readonly skipped: number;
	};

/**
 * GetImages: what is shown at each time of a range, in order, of the fragments that begin within it. A token wins over what
 * stands beside it, but for MaxResults.
 */
export const getImages: JsonOperation = {
	name: 'GetImages',
	path: '/getImages',
	respond(request, { archive, tokens, images: maker, ffmpeg, clock, nowMs, signal }) {
		const requested = requestedStream(request);
		const imagesRequest = readImagesRequest(request);
		const maxResults = request.integer('MaxResults', MAX_RESULTS) ?? PAGE_SIZE;
		const token = request.string('NextToken', NEXT_TOKEN);
		const stream = requested.find(archive);
		requireRetention(stream.metadata);
		const { name, creationMs } = stream.metadata;
		const images: Images | null =
			token === undefined
				? { ...imagesRequest, ...stream.snapshot(nowMs), stream: name, creationMs, skipped: 0 }
				: tokens.open<Images>('GetImages', token);
		if (images === null || images.stream !== name || images.creationMs !== creationMs) {
			throw invalidArgument('expected NextToken to be one this server gave out for this stream');
		}
		const { clock: timeline, startMs, endMs, sinceMs, intervalMs, skipped } = images;
		const isBeforeAll = stream.fragments.latest(timeline, endMs, 1, images).length === 0;
		if (isBeforeAll && endMs < Math.max(sinceMs, creationMs)) {
			throw invalidArgument(`End timestamp ${endMs} is outside of the stream retention period.`);
		}
		const count = imageCount(images);
		const length = Math.min(maxResults, PAGE_SIZE, count - skipped);
		const timesMs = Array.from({ length }, (_, index) => startMs + (skipped + index) * intervalMs);
		const warn = (message: string): void => archive.warn(message);
		const source = {
			request: images,
			fragments: fragmentsOf(images, stream, nowMs),
			timesMs,
			reader: new FragmentVideoReader(timeline, ({ message }) => warn(message)),
			ffmpeg,
			clock,
			onProblem: (message: string) => warn(`GetImages of \`${name}\`: ${message}`),
		};
		return {
			kind: 'action',
			cost: { fragmentsAsked: maxResults, metadataPoints: CALL_POINTS + maxResults },
			act: async () => {
				const made = await maker.make(source, signal).catch((error) => {
					throw withoutFfmpeg(error) ?? error;
				});
				const end = skipped + made.length;
				const nextToken = end < count ? tokens.seal('GetImages', { ...images, skipped: end }) : null;
				return { kind: 'bytes', contentType: 'application/json', slices: slicesOf(made, nextToken) };
			},
		};
	},
};

/** The fragments that count, and those that begin soon after: of a few, pictures are shown before they begin. */
function fragmentsOf(images: Images, stream: LocalStream, nowMs: number): StoredFragment[] {
	const { clock, startMs, endMs } = images;
	const range = { clock, startMs, endMs: endMs + MAX_FRAGMENT_MS };
	const listed = stream.fragments.select(range, images).all();
	return playedFragments(
		clock,
		listed.filter(({ number }) => stream.fragment(number, nowMs) !== undefined),
	);
}

/** The service's error where there is no ffmpeg; no client is to try that again. */
function withoutFfmpeg(error: unknown): Error | null {
	if (!(error instanceof ArchiveError) || error.code !== 'KVS_FFMPEG_NOT_FOUND') return null;
	// It is an option of the server here, as it is of the command.
	const message = error.message.replace('`path` of `ffmpeg()`', '`ffmpeg`');
	return invalidArgument(`the local archive serves GetImages with ffmpeg only: ${message}`);
}

/** The response, in the service's order of members. In slices, as it may be longer than a string may be. */
function slicesOf(images: readonly MadeImage[], nextToken: string | null): Uint8Array[] {
	const slices: Uint8Array[] = [];
	let text = '{"Images":[';
	for (const [index, { timeMs, error, content }] of images.entries()) {
		text += `${index === 0 ? '' : ','}{"Error":${JSON.stringify(error)},"ImageContent":`;
		if (content === null) text += 'null';
		else {
			slices.push(Buffer.from(`${text}"`), content);
			text = '"';
		}
		text += `,"TimeStamp":${wireJson(new EpochSeconds(timeMs))}}`;
	}
	return [...slices, Buffer.from(`${text}],"NextToken":${JSON.stringify(nextToken)}}`)];
}
