import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';

/** SHA-256, keyed or not, of node:crypto in the shape that `@smithy/signature-v4` takes. */
export class NodeSha256 {
	readonly #hash: Hash | Hmac;

	constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
		this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
	}

	/** Adds data. */
	update(data: string | ArrayBuffer | ArrayBufferView): void {
		this.#hash.update(bytesOf(data));
	}

	/** The digest, once. */
	async digest(): Promise<Uint8Array> {
		return this.#hash.digest();
	}
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
	if (typeof data === 'string') return Buffer.from(data);
	return ArrayBuffer.isView(data)
		? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
		: Buffer.from(data);
}
