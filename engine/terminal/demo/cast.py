"""Who buys in the demo's shop, and what. Invented people at invented addresses; mail goes to example domains."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Place:
    """A postal address, with what Shopify and WooCommerce call its prefecture."""

    postal_code: str
    code: str  # ISO 3166-2
    province: str  # romanised, as Shopify writes it
    prefecture: str
    city: str
    line1: str
    line2: str = ""
    country: str = "JP"


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody with an address. `consents` says yes to offers; `locale` is a BCP 47 tag."""

    family: str
    given: str
    email: str
    phone: str
    home: Place
    locale: str = "ja-JP"
    consents: bool = False

    @property
    def name(self) -> str:
        """The name as its owner writes it."""
        return f"{self.family} {self.given}" if self.locale == "ja-JP" else f"{self.given} {self.family}"


@dataclass(frozen=True, kw_only=True)
class Item:
    """One article; `price` is yen with tax."""

    sku: str
    name: str
    price: int
    variant: str | None = None


# 髙 and 﨑 are in the list because they are what files in CP932 and careless programs lose.
FAMILIES = (
    "髙橋", "﨑山", "渡邉", "佐藤", "鈴木", "田中", "伊藤", "山本", "中村", "小林", "加藤", "吉田", "山田", "松本",
    "井上", "木村", "斎藤", "清水", "山口", "森", "池田", "橋本", "阿部", "石川", "前田", "藤田", "後藤", "近藤",
)  # fmt: skip
GIVENS = (
    "直子", "健太", "みのり", "一郎", "さくら", "陽菜", "大輔", "由美", "翔太", "千尋", "彩", "誠", "恵", "拓也",
    "美咲", "悠人", "香織", "亮", "結衣", "浩二", "真理子", "蓮", "詩織", "隆",
)  # fmt: skip
ABROAD = (("Carter", "Emily"), ("Nguyen", "Daniel"), ("Rossi", "Chiara"), ("Okafor", "Grace"), ("Berg", "Jonas"))

PLACES = (
    Place(postal_code="100-0000", code="JP-13", province="Tokyo", prefecture="東京都", city="千代田区",
          line1="花見町1-2-3", line2="さくらハイツ201"),
    Place(postal_code="220-0000", code="JP-14", province="Kanagawa", prefecture="神奈川県", city="横浜市西区",
          line1="みなと坂4-5"),
    Place(postal_code="060-0000", code="JP-01", province="Hokkaidō", prefecture="北海道", city="札幌市中央区",
          line1="北十条西0-0"),
    Place(postal_code="980-0000", code="JP-04", province="Miyagi", prefecture="宮城県", city="仙台市青葉区",
          line1="欅通り7-8", line2="メゾン欅302"),
    Place(postal_code="460-0000", code="JP-23", province="Aichi", prefecture="愛知県", city="名古屋市中区",
          line1="栄橋9-10"),
    Place(postal_code="602-0000", code="JP-26", province="Kyōto", prefecture="京都府", city="京都市上京区",
          line1="衣棚下ル11"),
    Place(postal_code="530-0000", code="JP-27", province="Ōsaka", prefecture="大阪府", city="大阪市北区",
          line1="堂島川町12-3", line2="リバーサイド1105"),
    Place(postal_code="650-0000", code="JP-28", province="Hyōgo", prefecture="兵庫県", city="神戸市中央区",
          line1="山手台4-1"),
    Place(postal_code="730-0000", code="JP-34", province="Hiroshima", prefecture="広島県", city="広島市中区",
          line1="川端町5-6"),
    Place(postal_code="810-0000", code="JP-40", province="Fukuoka", prefecture="福岡県", city="福岡市中央区",
          line1="大濠町7-2", line2="コーポ大濠103"),
)  # fmt: skip

GOODS = (
    Item(sku="MESHI-KO-01", name="飯碗 粉引", variant="小", price=2860),
    Item(sku="MESHI-KO-02", name="飯碗 粉引", variant="大", price=3300),
    Item(sku="YUNOMI-AI", name="湯呑 藍染付", price=2420),
    Item(sku="SARA-RIN-7", name="輪花皿 七寸", variant="白磁", price=4180),
    Item(sku="HACHI-TO-5", name="鉢 飛鉋 五寸", price=3850),
    Item(sku="KYUSU-TOKO", name="急須 常滑 朱泥", price=7700),
    Item(sku="TOKKURI-BI", name="徳利 備前 一合", price=6600),
    Item(sku="HASHI-KURI", name="箸置き 栗", variant="5個組", price=1980),
    Item(sku="KABIN-ICHI", name="一輪挿し 灰釉", price=5280),
    Item(sku="KABIN-TSUBO", name="花入 壺形 信楽", price=14300),
    Item(sku="HANA-KISETSU", name="季節の花束", variant="M", price=4400),
    Item(sku="HANA-TEIKI", name="花の定期便 隔週", variant="お試し1回", price=2750),
    Item(sku="DRY-LEASE", name="ドライフラワーリース", price=5500),
    Item(sku="SENKO-SHIRA", name="お香 白檀", variant="40本入", price=1650),
    Item(sku="FUKIN-ASA", name="麻のふきん", variant="2枚組", price=1320),
)


def person(index: int, *, consents: bool = False, abroad: bool = False) -> Person:
    """The `index`-th customer; the same index is the same person."""
    if abroad:
        family, given = ABROAD[index % len(ABROAD)]
        mail, locale = f"{given}.{family}@example.com".lower(), "en"
    else:
        family, given = FAMILIES[index % len(FAMILIES)], GIVENS[(index * 5 + index // len(FAMILIES)) % len(GIVENS)]
        mail, locale = f"customer-{index:03}@example.jp", "ja-JP"
    return Person(
        family=family, given=given, email=mail, phone=f"03-0000-{1000 + index:04}", locale=locale,
        home=PLACES[index * 3 % len(PLACES)], consents=consents,
    )  # fmt: skip
