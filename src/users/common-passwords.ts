/** The passwords of at least eight characters that published leaks show most often, in lower case. */
export const commonPasswords: ReadonlySet<string> = new Set(
  `
  12345678 123456789 1234567890 12345678910 123456789a 1234567891 12345678901 123456789012
  0123456789 0987654321 9876543210 987654321 87654321 11111111 111111111 1111111111 00000000
  000000000 0000000000 22222222 33333333 44444444 55555555 66666666 77777777 88888888 99999999
  12121212 11223344 1122334455 112233445566 12341234 12344321 123123123 1231231234 123321123
  147258369 741852963 159753456 789456123 789654123 456789123 147852369 159357456 10203040
  13579246 31415926 password password1 password12 password123 password1234 password12345
  password01 password2 password! password1! password@1 password@123 passw0rd passw0rd! p@ssword
  p@ssw0rd p@ssw0rd1 p@ssw0rd123 p@ssword1 p@ssword123 pa$$word pa$$w0rd passpass passport
  password11 passwords mypassword newpassword thepassword nopassword changeme changeme1
  changeme123 changeit default1 letmein1 letmein123 letmein! letmein2 welcome1 welcome12
  welcome123 welcome1! welcome@123 welcome2 qwertyui qwertyuiop qwerty12 qwerty123 qwerty1234
  qwerty12345 qwerty123456 qwerty123! qwertyqwerty qwert123 qwer1234 qwerasdf 1qaz2wsx
  1qaz2wsx3edc 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y q1w2e3r4 q1w2e3r4t5 qazwsxedc qazwsx123 zaq12wsx
  zaq1zaq1 zxcvbnm1 zxcvbnm123 zxcvbnm, asdfghjk asdfghjkl asdfasdf asdf1234 asdfqwer asdfgh123
  azertyuiop azerty123 qweasdzxc qwe123qwe 1234qwer 123qweasd 123qwe123 q123456789 qwaszx12
  poiuytrewq lkjhgfdsa mnbvcxz1 abcd1234 abcdefgh abcdefg1 abcdefghi abcdefghij abc12345 abc123456
  abc123abc abcabcabc a1b2c3d4 a1b2c3d4e5 a1234567 a12345678 a123456789 aa123456 aa12345678
  aaaaaaaa aaaaaaaaaa aaaa1111 as123456 ab123456 1234abcd 12345abc 123abc123 123456ab 123456aa
  1234567a 12345678a 123456abc 123456qwerty 1234567q q1234567 iloveyou iloveyou1 iloveyou2
  iloveyou! iloveyou123 ilovegod iloveme1 loveyou1 lovelove loveme123 love1234 lovers12
  administrator admin123 admin1234 admin12345 admin123456 admin@123 adminadmin admin2020 admin2024
  root1234 rootroot toor1234 guest123 guestguest user1234 username test1234 testtest testing1
  testing123 test12345 test123456 temp1234 temppass secret12 secret123 secret1234 p4ssw0rd
  p4ssword demo1234 example1 system32 computer computer1 internet internet1 server123 oracle123
  postgres mysql123 database login123 trustno1 whatever whatever1 nothing1 something sunshine
  sunshine1 princess princess1 football football1 football123 baseball baseball1 basketball
  superman superman1 batman123 spiderman starwars starwars1 pokemon1 pokemon123 nintendo
  playstation minecraft minecraft1 fortnite1 dragon12 dragon123 monkey12 monkey123 master12
  master123 shadow12 shadow123 michael1 michelle jennifer jessica1 jordan23 charlie1 danielle
  ashley12 anthony1 victoria elizabeth samantha alexander alexandra benjamin jonathan nicholas
  patricia veronica christian christine stephanie cristina maverick mercedes chevrolet corvette
  midnight butterfly chocolate cheese12 cookie123 cocacola pepsi123 garfield scooby12 hello123
  hello1234 hellohello freedom1 liverpool liverpool1 chelsea1 arsenal1 barcelona realmadrid
  juventus manchester steelers lakers24 yankees1 cowboys1 rangers1 blink182 metallica slipknot
  nirvana1 marlboro einstein creative explorer hardcore champion remember security snowball
  skywalker startrek gateway1 godzilla gangster babygirl babygirl1 beautiful sweetheart anything
  america1 canada123 summer12 summer123 summer2023 summer2024 summer2025 winter12 winter123
  winter2023 winter2024 winter2025 spring2024 spring2025 autumn2024 monday123 january1 december
  november september october1 google123 facebook facebook1 linkedin instagram whatsapp samsung1
  samsung123 motorola blackberry microsoft windows1 windows10
  `
    .trim()
    .split(/\s+/),
)
