import { ApiError } from './api/api-requests.js';

const suggestions: Readonly<Record<string, string>> = {
	KVS_NOT_FOUND: 'Choose a moment at which the timeline shows a recording.',
	KVS_DENIED:
		'Check the credentials that `kvs-archive view` was started with, and what they are allowed to do.',
	KVS_THROTTLED: 'The quota of the stream is used up; requests for the timeline are retried automatically.',
	KVS_UNREACHABLE: 'The service does not respond; the request is repeated in a moment.',
	KVS_FFMPEG_NOT_FOUND: 'Install ffmpeg to see thumbnails; everything else works without it.',
	KVS_EMPTY_RANGE: 'Mark a range in which the timeline shows a recording.',
	KVS_CODEC_NOT_SUPPORTED: 'Use the command instead, with a name that ends in .mkv.',
};

/** An error as the page shows it: what is wrong, and what to do about it. */
export function errorText(error: unknown): string {
	if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
	if (/UnsupportedStreamMediaType|CodecPrivateData/.test(error.message)) {
		return `${error.message} The service plays H.264, H.265 and AAC only: export the range, or make pictures of it with \`kvs-archive frames\`.`;
	}
	const suggestion = suggestions[error.code];
	return suggestion === undefined ? error.message : `${error.message}. ${suggestion}`;
}
