/**
 * An error as the service sends it. Not an `ArchiveError`: `awsName` is what the SDKs make their typed errors of,
 * `statusCode` the HTTP status of the service's model. It has no subclasses, as the server sends every one the same way;
 * the functions below make those that have one meaning in all operations.
 */
export class ServiceError extends Error {
	override name = 'ServiceError';
	/** The exception's name on the wire, `ResourceNotFoundException`. */
	readonly awsName: string;
	readonly statusCode: number;

	constructor(awsName: string, statusCode: number, message: string, options?: ErrorOptions) {
		super(message, options);
		this.awsName = awsName;
		this.statusCode = statusCode;
	}
}

/** A member of the request is missing, out of bounds or contradicts another. */
export function invalidArgument(message: string): ServiceError {
	return new ServiceError('InvalidArgumentException', 400, message);
}

/** Members that do not go together; the documentation of GetImages names this error. */
export function validationFailed(message: string): ServiceError {
	return new ServiceError('ValidationException', 400, message);
}

/** The stream of the request is unknown. */
export function resourceNotFound(): ServiceError {
	const message = 'The requested stream is not found or not active.';
	return new ServiceError('ResourceNotFoundException', 404, message);
}

/** Throws `NoDataRetentionException` for a stream that keeps no fragments. */
export function requireRetention({
	name,
	retentionHours,
}: {
	readonly name: string;
	readonly retentionHours: number;
}): void {
	if (retentionHours !== 0) return;
	const message = `The stream ${name} does not have any data retention (DataRetentionInHours is 0).`;
	throw new ServiceError('NoDataRetentionException', 400, message);
}

/** A stream of that name exists already. */
export function resourceInUse(streamName: string): ServiceError {
	return new ServiceError('ResourceInUseException', 400, `The stream ${streamName} already exists.`);
}

/** The request names another version of the stream than the one it has. */
export function versionMismatch(): ServiceError {
	const message =
		'The stream version that you specified is not the latest version. To get the latest version, use the DescribeStream API.';
	return new ServiceError('VersionMismatchException', 400, message);
}

/** The stream would have more tags than a stream may have. */
export function tooManyTags(maxTags: number): ServiceError {
	const message = `A Kinesis video stream can support up to ${maxTags} tags.`;
	return new ServiceError('TagsPerResourceExceededLimitException', 400, message);
}

/** An operation on tags is called with an ARN that is not one of a stream. */
export function invalidResourceFormat(): ServiceError {
	return new ServiceError('InvalidResourceFormatException', 400, 'The format of the StreamARN is invalid.');
}

/** The body is not a JSON object. */
export function serializationError(message: string): ServiceError {
	return new ServiceError('SerializationException', 400, message);
}

/** No operation has that verb and path. */
export function unknownOperation(method: string, path: string): ServiceError {
	return new ServiceError('UnknownOperationException', 404, `no operation at ${method} ${path}`);
}

/** The Host header names a machine that is not this one. */
export function foreignHost(host: string | undefined): ServiceError {
	const got = host === undefined ? 'none' : `\`${host}\``;
	return new ServiceError(
		'AccessDeniedException',
		403,
		`expected the Host header to name this machine (localhost, 127.0.0.1, [::1] or the address the server is bound to), got ${got}`,
	);
}

/** A page of another origin has a browser send what would change the archive, which asks for no signatures. */
export function foreignPage(operation: string): ServiceError {
	return new ServiceError(
		'AccessDeniedException',
		403,
		`${operation} is refused to pages of other origins: the archive asks for no signatures (see \`credentials\`)`,
	);
}

/** The request has more headers than are read. */
export function tooManyHeaders(maxHeaders: number): ServiceError {
	return new ServiceError('RequestHeaderSectionTooLarge', 431, `expected at most ${maxHeaders} headers`);
}

/** The body of a request did not arrive in time. */
export function requestTimeout(timeoutMs: number): ServiceError {
	return new ServiceError('RequestTimeoutException', 408, `the body did not arrive within ${timeoutMs} ms`);
}

/** A quota of the stream is used up. `quota`: what there is too much of, `fragment-media points`. */
export function clientLimitExceeded(quota: string): ServiceError {
	const message = `The stream's quota of ${quota} is used up. Try making the call later.`;
	return new ServiceError('ClientLimitExceededException', 400, message);
}

/** The stream has as many open connections of an operation as it may have. */
export function connectionLimitExceeded(operation: string): ServiceError {
	const message = `The stream's quota of connections of ${operation} is used up. Try making the call later.`;
	return new ServiceError('ConnectionLimitExceededException', 400, message);
}

/** Something in the archive itself failed: a disk, a damaged file. */
export function internalFailure(cause: unknown): ServiceError {
	const message = cause instanceof Error ? cause.message : String(cause);
	return new ServiceError('InternalFailure', 500, message, { cause });
}
