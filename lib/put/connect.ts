import { once } from 'node:events';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { PutMediaRequest } from '../aws/put-media-signer.js';
import { onAbort } from '../stream/abort.js';

/** How much of a refusal is read. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/** A PutMedia request that the service has taken: its body is to be written, its response to be read. */
export interface Connection {
	readonly request: ClientRequest;
	readonly response: IncomingMessage;
}

/**
 * Sends the headers of PutMedia and waits for the service's own, which come before any media is sent. Rejects with the
 * system's error, with the signal's reason, and for any other status than 200 with an error as the SDK has them: `name`,
 * `message`, `$metadata`. The signal closes the connection at any later time as well.
 */
export async function connect({ url, headers }: PutMediaRequest, signal: AbortSignal): Promise<Connection> {
	signal.throwIfAborted();
	const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
	// Of its own, since it lasts as long as the media does.
	const request = send(url, { method: 'POST', headers, agent: false });
	const release = onAbort(signal, () => request.destroy(signal.reason));
	request.once('close', release);
	// The response and the pipeline have its errors too; without a listener they would end the process.
	request.on('error', () => {});
	request.flushHeaders();
	const [response] = (await once(request, 'response')) as [IncomingMessage];
	if (response.statusCode === 200) return { request, response };
	try {
		throw await refusalOf(response);
	} finally {
		request.destroy();
	}
}

/** The error of a refusal, as the SDK makes it of a response: its name from the header or the body. */
async function refusalOf(response: IncomingMessage): Promise<Error> {
	const chunks: Buffer[] = [];
	let sizeBytes = 0;
	for await (const chunk of response as AsyncIterable<Buffer>) {
		chunks.push(chunk);
		sizeBytes += chunk.byteLength;
		if (sizeBytes > MAX_REFUSAL_BYTES) break;
	}
	const text = Buffer.concat(chunks).toString('utf8');
	const member = membersOf(text);
	const header = response.headers['x-amzn-errortype']?.toString();
	const type = header ?? member('__type') ?? member('code') ?? `HTTP ${response.statusCode}`;
	const message = member('message') ?? member('Message') ?? text;
	// `InvalidSignatureException:http://…`, `com.amazon.coral.service#UnknownOperationException`
	const name = type.replace(/^.*#|:.*$/g, '');
	return Object.assign(new Error(message), {
		name,
		$metadata: {
			httpStatusCode: response.statusCode,
			requestId: response.headers['x-amzn-requestid']?.toString(),
		},
	});
}

/** Gives members of a JSON object that are texts. */
function membersOf(text: string): (name: string) => string | undefined {
	let object: Readonly<Record<string, unknown>> = {};
	try {
		object = Object(JSON.parse(text));
	} catch {
		// A proxy's page, for instance: it is repeated as it is.
	}
	return (name) => {
		const value = object[name];
		return typeof value === 'string' ? value : undefined;
	};
}
