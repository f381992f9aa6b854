import type { Readable } from 'node:stream';
import type { ArchiveClient } from '../aws/archive-client.js';
import { selectorOf } from '../aws/range-selector.js';
import type { Fragment } from '../model/fragment.js';
import { type Check, failed, ok, warning } from './check.js';
import { requestTrouble } from './request-trouble.js';

/** Errors of a call that was allowed, and had nothing that it could give. */
const ALLOWED: ReadonlySet<string> = new Set([
	'InvalidArgumentException',
	'InvalidCodecPrivateDataException',
	'InvalidMediaFrameException',
	'MissingCodecPrivateDataException',
	'NoDataRetentionException',
	'ResourceNotFoundException',
	'UnsupportedStreamMediaTypeException',
]);

/** What a call gave, besides being allowed. */
export interface Tried {
	readonly check: Check;
	/** The service's name of the error with which it refused the media; null where it took it. */
	readonly refusal: string | null;
}

/**
 * The operations that commands need, each called once, harmlessly: about one fragment where there is one. Responses are closed
 * before their media comes.
 */
export async function checkPermissions(
	client: ArchiveClient,
	newest: Fragment | null,
	signal: AbortSignal,
): Promise<ReadonlyMap<string, Tried>> {
	const options = { signal };
	const at = newest?.serverTimestamp ?? new Date(0);
	const range = { by: 'server', fromMs: at.getTime(), toMs: at.getTime() + 1000 } as const;
	const selector = selectorOf(range);
	const session = { PlaybackMode: 'ON_DEMAND', Expires: 300 } as const;
	const calls: Readonly<Record<string, readonly [needs: string, call: () => Promise<unknown>]>> = {
		// "1" is the number of no fragment: the call is refused for that, where it is allowed.
		GetMediaForFragmentList: [
			'',
			async () => close(await client.getMediaForFragmentList([newest?.fragmentNumber ?? '1'], options)),
		],
		GetMedia: [
			'follow --live',
			async () => close((await client.getMedia({ StartSelectorType: 'NOW' }, options)).body),
		],
		GetHLSStreamingSessionURL: [
			'hls and view',
			() =>
				client.send(
					'GetHLSStreamingSessionURL',
					{ ...session, HLSFragmentSelector: selector, ContainerFormat: 'FRAGMENTED_MP4' },
					options,
				),
		],
		GetDASHStreamingSessionURL: [
			'dash',
			() =>
				client.send('GetDASHStreamingSessionURL', { ...session, DASHFragmentSelector: selector }, options),
		],
		GetClip: ['clip', async () => close(await client.getClip(range, options))],
		GetImages: [
			'images',
			() =>
				client.send(
					'GetImages',
					{
						ImageSelectorType: 'SERVER_TIMESTAMP',
						StartTimestamp: at,
						EndTimestamp: new Date(range.toMs),
						Format: 'JPEG',
						SamplingInterval: 1000,
						MaxResults: 1,
					},
					options,
				),
		],
	};
	const tried = new Map<string, Tried>();
	for (const [operation, [needs, call]] of Object.entries(calls)) {
		tried.set(operation, await attempt(client.stream, operation, needs, call, signal));
	}
	return tried;
}

async function attempt(
	stream: string,
	operation: string,
	needs: string,
	call: () => Promise<unknown>,
	signal: AbortSignal,
): Promise<Tried> {
	try {
		await call();
		return { check: ok(operation, 'allowed'), refusal: null };
	} catch (error) {
		signal.throwIfAborted();
		const { awsName } = error as { awsName?: string };
		if (awsName !== undefined && ALLOWED.has(awsName)) {
			return { check: ok(operation, 'allowed'), refusal: awsName };
		}
		const { message, advice } = requestTrouble(error, operation, stream);
		// Every command that reads media needs the first; each of the others is for one or two.
		const check =
			needs === ''
				? failed(operation, message, advice)
				: warning(operation, message, `for ${needs}: ${advice}`);
		return { check, refusal: null };
	}
}

/** What would have come is not wanted, nor how it ends. */
function close(body: Readable): void {
	body.on('error', () => {}).destroy();
}
