import { ServiceError } from '../wire/service-error.js';

/*
 * The caller is not authenticated. Names, statuses and wording are those that the service's clients have reported: 403 and
 * the JSON services' names (Common Errors of the API reference spells them without `Exception`). No message contains
 * the expected signature.
 */

/** The request carries no signature. */
export class MissingAuthenticationTokenError extends ServiceError {
	constructor() {
		super('MissingAuthenticationTokenException', 403, 'Missing Authentication Token');
	}
}

/** A part of the signature is missing or is not what such a part looks like. */
export class IncompleteSignatureError extends ServiceError {
	constructor(message: string) {
		super('IncompleteSignatureException', 400, message);
	}
}

/** The key, or its session token, is unknown. */
export class UnrecognizedClientError extends ServiceError {
	constructor() {
		super('UnrecognizedClientException', 403, 'The security token included in the request is invalid.');
	}
}

/** The signature is not for this request, this region or this time. */
export class InvalidSignatureError extends ServiceError {
	constructor(message: string) {
		super('InvalidSignatureException', 403, message);
	}
}
