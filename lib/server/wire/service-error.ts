/**
 * An error as the service sends it. Its own small tree: `awsName` is what the SDKs make their typed errors of,
 * `statusCode` the HTTP status of the service's model.
 */
export class ServiceError extends Error {
	override name = 'ServiceError';
	/** The exception's name on the wire, `ResourceNotFoundException`. */
	readonly awsName: string;
	readonly statusCode: number;

	constructor(awsName: string, statusCode: number, message: string) {
		super(message);
		this.awsName = awsName;
		this.statusCode = statusCode;
	}
}

/** A member of the request is missing, out of bounds or contradicts another. */
export class InvalidArgumentError extends ServiceError {
	constructor(message: string) {
		super('InvalidArgumentException', 400, message);
	}
}

/** The stream of the request is unknown. */
export class ResourceNotFoundError extends ServiceError {
	constructor() {
		super('ResourceNotFoundException', 404, 'The requested stream is not found or not active.');
	}
}

/** The body is not a JSON object. */
export class SerializationError extends ServiceError {
	constructor(message: string) {
		super('SerializationException', 400, message);
	}
}

/** No operation has that verb and path. */
export class UnknownOperationError extends ServiceError {
	constructor(method: string, path: string) {
		super('UnknownOperationException', 404, `no operation at ${method} ${path}`);
	}
}

/** The Host header names a machine that is not this one. */
export class ForeignHostError extends ServiceError {
	constructor(host: string | undefined) {
		const got = host === undefined ? 'none' : `\`${host}\``;
		super(
			'AccessDeniedException',
			403,
			`expected the Host header to name this machine (localhost, 127.0.0.1, [::1] or the address the server is bound to), got ${got}`,
		);
	}
}

/** The request has more headers than are read. */
export class TooManyHeadersError extends ServiceError {
	constructor(maxHeaders: number) {
		super('RequestHeaderSectionTooLarge', 431, `expected at most ${maxHeaders} headers`);
	}
}

/** The body of a request did not arrive in time. */
export class RequestTimeoutError extends ServiceError {
	constructor(timeoutMs: number) {
		super('RequestTimeoutException', 408, `the body did not arrive within ${timeoutMs} ms`);
	}
}

/** A quota of the stream is used up. */
export class ClientLimitExceededError extends ServiceError {
	/** `quota`: what there is too much of, `fragment-media points`. */
	constructor(quota: string) {
		super(
			'ClientLimitExceededException',
			400,
			`The stream's quota of ${quota} is used up. Try making the call later.`,
		);
	}
}

/** Something in the archive itself failed: a disk, a damaged file. */
export class InternalFailureError extends ServiceError {
	constructor(cause: unknown) {
		super('InternalFailure', 500, cause instanceof Error ? cause.message : String(cause));
		this.cause = cause;
	}
}
