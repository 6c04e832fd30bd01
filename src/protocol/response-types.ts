/** The response types there are: code alone (RFC 9700 §2.1.2). */
export const responseTypes: readonly string[] = ['code']
