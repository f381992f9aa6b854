import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { invalidResponse, isRetryableRequest } from '../aws/aws-errors.js';
import type { PutMediaTimes } from '../aws/put-media-signer.js';
import type { ServiceContext } from '../aws/service-context.js';
import { RequestError } from '../errors.js';
import { retry } from '../pace/retry.js';
import type { Ack } from './ack.js';
import { readAcks } from './ack-lines.js';
import { type Connection, connect } from './connect.js';

const OPERATION = 'PutMedia';

/** What {@link putMedia} is made with. */
export interface PutMediaContext extends Pick<ServiceContext, 'client' | 'clock'> {
	readonly signal?: AbortSignal | undefined;
	/** Whether the caller sends again by itself what was not PERSISTED, so that no error asks for that. @default false */
	readonly resends?: boolean;
}

/**
 * Puts media into a stream over one connection, and gives its acknowledgements as they come. Nothing is sent before the first
 * is read for; then media is read as fast as the connection takes it, whether acknowledgements are read or not. Ends when the
 * service ends the response; leaving the loop and the signal close the connection at once, and destroy a Readable.
 *
 * The media is read once the service has taken the request, so that until then it is sent again where that may help. Rejects
 * with `RequestError` (retryable where the connection was lost: what was not PERSISTED is to be sent again), with
 * the error of the media itself, and with the signal's reason.
 */
export async function* putMedia(
	media: AsyncIterable<Uint8Array>,
	times: PutMediaTimes,
	{ client, clock, signal, resends = false }: PutMediaContext,
): AsyncGenerator<Ack, void, undefined> {
	const leaving = new AbortController();
	const either = AbortSignal.any([leaving.signal, ...(signal === undefined ? [] : [signal])]);
	const open = (): Promise<Connection> => client.putMedia(times, connect, { signal: either });
	const failure: MediaFailure = { error: null };
	try {
		const connection = await retry(open, { isRetryable: isRetryableRequest, signal: either, clock });
		const { request, response } = connection;
		// Its errors are those of the media, and those of the connection, which the response has too.
		pipeline(noting(media, failure), request, { signal: either }).catch(() => {});
		yield* readAcks(response);
		if (failure.error !== null) throw failure.error;
	} catch (error) {
		signal?.throwIfAborted();
		client.checkOpen();
		throw failure.error ?? explain(error, client.stream, { resends });
	} finally {
		leaving.abort();
		if (media instanceof Readable) media.destroy();
	}
}

interface MediaFailure {
	error: Error | null;
}

/** The media; what it fails with is kept, since its connection fails with it. */
async function* noting(
	media: AsyncIterable<Uint8Array>,
	failure: MediaFailure,
): AsyncGenerator<Uint8Array, void, undefined> {
	try {
		yield* media;
	} catch (error) {
		failure.error = error instanceof Error ? error : new Error(String(error));
		throw error;
	}
}

function explain(error: unknown, stream: string, { resends }: { readonly resends: boolean }): Error {
	if (error instanceof RequestError) return error;
	const { name, message, code } = error as NodeJS.ErrnoException;
	if (['SyntaxError', 'TypeError', 'RangeError'].includes(name) && code === undefined) {
		return invalidResponse(OPERATION, stream, `returned an invalid response: ${message}`, { cause: error });
	}
	const move = resends ? '' : '; send again what was not PERSISTED';
	return new RequestError(
		'KVS_UNREACHABLE',
		`${OPERATION} for stream \`${stream}\`: the connection was lost (${code ?? name}: ${message})${move}`,
		{
			operation: OPERATION,
			stream,
			awsName: code ?? name,
			statusCode: undefined,
			requestId: undefined,
			cause: error,
			retryable: true,
		},
	);
}
