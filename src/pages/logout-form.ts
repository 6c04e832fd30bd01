/** What the forms that sign out are bound to, on the start page and on the confirmation. */
export const logoutPurpose = 'logout'
