import type { KinesisVideoClient } from '@aws-sdk/client-kinesis-video';
import { requestSigner } from './request-signer.js';
import type { StreamMembers } from './stream-id.js';

/** What the headers of PutMedia say besides the stream. */
export interface PutMediaTimes {
	/** Whether timecodes are times since 1970, or count from {@link producerStartMs}. */
	readonly timecodes: 'absolute' | 'relative';
	/** Start on the producer's clock, epoch milliseconds. */
	readonly producerStartMs: number;
}

/** A PutMedia request, to be sent with media as its body. */
export interface PutMediaRequest {
	readonly url: URL;
	/** They are signed: to be sent as they are. */
	readonly headers: Readonly<Record<string, string>>;
}

/**
 * Signs PutMedia as producers do: the headers, and the hash of an empty body in place of the media's, which is not signed
 * (AWS Signature Version 4). The SDKs have no such operation.
 */
export async function signPutMedia(
	client: KinesisVideoClient,
	endpoint: string,
	members: StreamMembers,
	{ timecodes, producerStartMs }: PutMediaTimes,
	signingDate: Date,
): Promise<PutMediaRequest> {
	const url = new URL('putMedia', endpoint.endsWith('/') ? endpoint : `${endpoint}/`);
	const { HttpRequest } = await import('@smithy/protocol-http');
	const signer = await requestSigner(client);
	const { headers } = await signer.sign(
		new HttpRequest({
			method: 'POST',
			path: url.pathname,
			headers: {
				host: url.host,
				...('StreamName' in members
					? { 'x-amzn-stream-name': members.StreamName }
					: { 'x-amzn-stream-arn': members.StreamARN }),
				'x-amzn-fragment-timecode-type': timecodes.toUpperCase(),
				'x-amzn-producer-start-timestamp': (producerStartMs / 1000).toFixed(3),
				'x-amzn-fragment-acknowledgment-required': '1',
			},
		}),
		{ signingDate },
	);
	return { url, headers: { ...headers, 'transfer-encoding': 'chunked' } };
}
